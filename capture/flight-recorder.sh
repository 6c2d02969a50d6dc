#!/bin/sh
# Records into a ring all the time, and freezes it when the kernel reports a lockup: the ring then holds the seconds before.
# usage: flight-recorder.sh start | panic | status | save [FILE] | stop
# DRY_RUN=1 prints what would be written where. What it costs and cannot see: docs/capture.md of spinback
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
irq_vectors:local_timer_entry
irq_vectors:local_timer_exit
sched:sched_switch
sched:sched_process_exit
printk:console
"

# What the kernel says when it is too late (kernel/watchdog.c, kernel/rcu/tree_stall.h of Linux 5.10 to 6.12).
REPORTS='msg ~ "*LOCKUP*" || msg ~ "*soft lockup*" || msg ~ "*detected stalls*" || msg ~ "*self-detected stall*"'

tracefs=${TRACEFS:-/sys/kernel/tracing}
[ -d "$tracefs/events" ] || tracefs=/sys/kernel/debug/tracing
[ -d "$tracefs/events" ] || { echo "no tracefs: run as root, CONFIG_FTRACE, mount -t tracefs nodev /sys/kernel/tracing" >&2; exit 1; }

write() { # value, file of tracefs
  if [ -n "${DRY_RUN:-}" ]; then echo "$1 > $tracefs/$2"; else echo "$1" > "$tracefs/$2"; fi
}

start() {
  if [ -z "${DRY_RUN:-}" ] && [ -s "$tracefs/set_event" ]; then
    echo "somebody is tracing already ($tracefs/set_event is not empty)" >&2
    exit 1
  fi
  write 0 tracing_on
  write "${CLOCK:-mono}" trace_clock
  write "${BUFFER_KB:-8192}" buffer_size_kb
  write 1 options/overwrite
  for event in $EVENTS; do
    directory=events/${event%%:*}/${event#*:}
    if [ -d "$tracefs/$directory" ]; then
      write 1 "$directory/enable"
    else
      echo "this kernel has no $event: left out" >&2
    fi
  done
  if [ -f "$tracefs/events/printk/console/trigger" ]; then
    write "traceoff if $REPORTS" events/printk/console/trigger
  else
    echo "no printk:console: nothing freezes the ring but a panic, or 'save'" >&2
  fi
  write 1 tracing_on
}

case ${1:-} in
  start)
    start
    ;;
  panic)
    start
    # The dump takes minutes on a slow serial console; with kdump the ring is in the core: crash> trace dump -t
    for setting in kernel.hardlockup_panic=1 kernel.ftrace_dump_on_oops=1; do
      if [ -n "${DRY_RUN:-}" ]; then echo "sysctl $setting"; else sysctl -q -w "$setting"; fi
    done
    ;;
  status)
    if [ "$(cat "$tracefs/tracing_on")" = 1 ]; then echo recording; else echo "frozen, or never started"; fi
    ;;
  save)
    file=${2:-trace.txt}
    write 0 tracing_on
    # trace_pipe ends when the ring is off and empty, and unlike "trace" needs no grace period of RCU, which would never
    # end while a CPU is stuck. What is read is gone from the ring.
    if [ -n "${DRY_RUN:-}" ]; then echo "cat $tracefs/trace_pipe > $file"; else timeout "${TIMEOUT:-120}" cat "$tracefs/trace_pipe" > "$file" || [ $? = 124 ]; fi
    ;;
  stop)
    write 0 tracing_on
    [ ! -f "$tracefs/events/printk/console/trigger" ] || write "!traceoff" events/printk/console/trigger
    write 0 events/enable
    ;;
  *)
    cat >&2 << 'EOF'
usage: flight-recorder.sh start | panic | status | save [FILE] | stop
  start   events on, oldest overwritten; the first report of a lockup freezes the ring
  panic   the same, and a hard lockup panics the machine and dumps the ring to the console (or leaves it to kdump)
  status  recording, or frozen
  save    what the ring holds, frozen now if it is not yet, as text that spinback reads
  stop    everything off again (not while a CPU is stuck: switching events off waits for it)
EOF
    exit 2
    ;;
esac
