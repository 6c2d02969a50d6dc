#!/bin/sh
# Everything about locks that a debug kernel tells: every take and release of every lockdep lock, every irqs-off span.
# usage: [OUT=trace.dat] [BUFFER_KB=65536] [CLOCK=mono] lockdep.sh [seconds]
# DRY_RUN=1 prints the command instead. What it costs and cannot see: docs/capture.md of spinback
set -eu

EVENTS="
lock:lock_acquire
lock:lock_acquired
lock:lock_contended
lock:lock_release
lock:contention_begin
lock:contention_end
lock:contended_release
bitlock:bit_spin_acquire
bitlock:bit_spin_contended
bitlock:bit_spin_acquired
bitlock:bit_spin_release
preemptirq:irq_disable
preemptirq:irq_enable
preemptirq:preempt_disable
preemptirq:preempt_enable
irq:irq_handler_entry
irq:irq_handler_exit
irq:softirq_entry
irq:softirq_exit
irq_vectors:local_timer_entry
irq_vectors:local_timer_exit
sched:sched_switch
sched:sched_process_exit
printk:console
"

tracefs=${TRACEFS:-/sys/kernel/tracing}
[ -d "$tracefs/events" ] || tracefs=/sys/kernel/debug/tracing
[ -d "$tracefs/events" ] || { echo "no tracefs: run as root, CONFIG_FTRACE, mount -t tracefs nodev /sys/kernel/tracing" >&2; exit 1; }
[ -d "$tracefs/events/lock/lock_acquire" ] || {
  echo "this kernel has no lock:lock_acquire: it needs CONFIG_PROVE_LOCKING or CONFIG_LOCK_STAT; use stock-trace-cmd.sh" >&2
  exit 1
}

seconds=${1:-10}
set --
for event in $EVENTS; do
  if [ -d "$tracefs/events/${event%%:*}/${event#*:}" ]; then
    set -- "$@" -e "$event"
  else
    echo "this kernel has no $event: left out" >&2
  fi
done
set -- trace-cmd record -C "${CLOCK:-mono}" -b "${BUFFER_KB:-65536}" -o "${OUT:-trace.dat}" "$@" sleep "$seconds"
if [ -n "${DRY_RUN:-}" ]; then printf "%s\n" "$*"; else exec "$@"; fi
