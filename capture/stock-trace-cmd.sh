#!/bin/sh
# Contention, scheduling, interrupts and the kernel's own messages, with the events that an unpatched production kernel has.
# usage: [OUT=trace.dat] [BUFFER_KB=8192] [CLOCK=mono] stock-trace-cmd.sh [seconds]
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
    set -- "$@" -e "$event"
  else
    echo "this kernel has no $event: left out" >&2
  fi
done
# At the end of the buffer the oldest events go, and trace.dat says how many.
set -- trace-cmd record -C "${CLOCK:-mono}" -b "${BUFFER_KB:-8192}" -o "${OUT:-trace.dat}" "$@" sleep "$seconds"
if [ -n "${DRY_RUN:-}" ]; then printf "%s\n" "$*"; else exec "$@"; fi
