#!/bin/sh
# The same as stock-trace-cmd.sh, recorded by perf, with the callers of contended locks.
# usage: [OUT=perf.data] [PAGES=1024] stock-perf.sh [seconds]
# DRY_RUN=1 prints the command instead. What it costs and cannot see: docs/capture.md of spinback
set -eu

EVENTS="
lock:contention_begin
lock:contention_end
lock:contended_release
preemptirq:irq_disable
preemptirq:irq_enable
irq:irq_handler_entry
irq:irq_handler_exit
irq:softirq_entry
irq:softirq_exit
timer:hrtimer_expire_entry
irq_vectors:local_timer_entry
irq_vectors:local_timer_exit
sched:sched_switch
sched:sched_process_exit
printk:console
"

tracefs=${TRACEFS:-/sys/kernel/tracing}
[ -d "$tracefs/events" ] || tracefs=/sys/kernel/debug/tracing
[ -d "$tracefs/events" ] || { echo "no tracefs: run as root, CONFIG_FTRACE, mount -t tracefs nodev /sys/kernel/tracing" >&2; exit 1; }

seconds=${1:-30}
set --
for event in $EVENTS; do
  if [ -d "$tracefs/events/${event%%:*}/${event#*:}" ]; then
    # Callchains cost more than the event: only where somebody waits.
    case $event in
      lock:contention_begin) set -- "$@" -e "$event/call-graph=fp/" ;;
      *) set -- "$@" -e "$event" ;;
    esac
  else
    echo "this kernel has no $event: left out" >&2
  fi
done
# -c 1: every event, not a sample of them. -m: pages per CPU, a power of two; too few lose events, and perf.data says how many.
set -- perf record -a -c 1 -k CLOCK_MONOTONIC -m "${PAGES:-1024}" -o "${OUT:-perf.data}" "$@" -- sleep "$seconds"
if [ -n "${DRY_RUN:-}" ]; then printf "%s\n" "$*"; else exec "$@"; fi
