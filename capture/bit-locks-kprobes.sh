#!/bin/sh
# Bit locks, which no stock tracepoint covers, by kprobes on the entry and return of the functions that take and release them.
# usage: [OUT=trace.dat] [BUFFER_KB=8192] [CLOCK=mono] bit-locks-kprobes.sh [seconds]
# Read it with: spinback analyze --map function-kprobes trace.dat
# DRY_RUN=1 prints probes and command instead. What it costs and cannot see: docs/capture.md of spinback
set -eu

EVENTS="
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

# BH_JournalHead (include/linux/jbd2.h) moved when two other bits of b_state became spinlocks, in Linux 5.5 and 5.7.
case $(uname -r) in
  [0-3].*) bit= ;;
  4.* | 5.[0-4].* | 5.[0-4]-*) bit=24 ;;
  5.[56].* | 5.[56]-*) bit=23 ;;
  *) bit=22 ;;
esac
bit=${BIT:-$bit}
[ -n "$bit" ] || { echo "give the number of BH_JournalHead in this kernel: BIT=..." >&2; exit 1; }

# Function, the address of the lock's word at its entry, the bit. Put your own here, or in LOCKS: every function that takes
# the lock, or a take of the missing ones looks like a bit that nobody set.
LOCKS=${LOCKS:-"
jbd2_journal_add_journal_head  \$arg1     $bit
jbd2_journal_grab_journal_head \$arg1     $bit
jbd2_journal_put_journal_head  +0(\$arg1) $bit
"}

tracefs=${TRACEFS:-/sys/kernel/tracing}
[ -d "$tracefs/events" ] || tracefs=/sys/kernel/debug/tracing
[ -f "$tracefs/kprobe_events" ] || { echo "no kprobes: run as root, CONFIG_KPROBE_EVENTS" >&2; exit 1; }
grep -q 'imm-value' "$tracefs/README" || {
  echo "this kernel's kprobes take no immediate values: write probes and mapping as in mappings/jbd2-journal-head.yaml" >&2
  exit 1
}

long=x$(getconf LONG_BIT)
seconds=${1:-30}
probes=$(printf "%s\n" "$LOCKS" | while read -r function address bit; do
  [ -n "$function" ] || continue
  printf "%s\n" "p:bl/${function}_enter $function addr=$address:$long bit=\\$bit:u8 word=+0($address):$long"
  # As many calls as may be inside at once: a return beyond that is missed (see kprobe_profile).
  printf "%s\n" "r256:bl/${function}_return $function"
done)

set --
for event in $EVENTS; do
  if [ -d "$tracefs/events/${event%%:*}/${event#*:}" ]; then
    set -- "$@" -e "$event"
  else
    echo "this kernel has no $event: left out" >&2
  fi
done
set -- trace-cmd record -C "${CLOCK:-mono}" -b "${BUFFER_KB:-8192}" -o "${OUT:-trace.dat}" -e bl "$@" sleep "$seconds"
if [ -n "${DRY_RUN:-}" ]; then
  printf "%s\n" "$probes"
  printf "%s\n" "$*"
  exit
fi

remove() {
  echo 0 > "$tracefs/events/bl/enable" 2> /dev/null || true
  printf "%s\n" "$probes" | sed -n 's/^[pr][0-9]*:\([^ ]*\) .*/-:\1/p' >> "$tracefs/kprobe_events" 2> /dev/null || true
}
trap remove EXIT
trap 'exit 1' HUP INT TERM
printf "%s\n" "$probes" | while read -r probe; do
  printf "%s\n" "$probe" >> "$tracefs/kprobe_events" || { echo "the kernel refuses: $probe (see $tracefs/error_log)" >&2; exit 1; }
done
"$@"
awk '$1 ~ /_(enter|return)$/ && $3 > 0 { print $1 " was missed " $3 " times: its returns do not pair" }' "$tracefs/kprobe_profile" >&2
