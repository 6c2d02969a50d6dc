#!/bin/sh
# Bit locks by bpftrace, for kernels whose tracefs may not be written to.
# usage: [OUT=bit-locks.txt] bit-locks-bpftrace.sh [seconds]
# Read it with: spinback analyze --map bpftrace bit-locks.txt
# DRY_RUN=1 prints the command instead. What it costs and cannot see: docs/capture.md of spinback
set -eu

# BH_JournalHead (include/linux/jbd2.h) moved when two other bits of b_state became spinlocks, in Linux 5.5 and 5.7.
case $(uname -r) in
  [0-3].*) bit= ;;
  4.* | 5.[0-4].* | 5.[0-4]-*) bit=24 ;;
  5.[56].* | 5.[56]-*) bit=23 ;;
  *) bit=22 ;;
esac
bit=${BIT:-$bit}
[ -n "$bit" ] || { echo "give the number of BH_JournalHead in this kernel: BIT=..." >&2; exit 1; }

# One line per event: ns cpu tid event: fields comm=name. The name stands last, for it can hold anything.
program=$(cat << 'EOF'
kprobe:jbd2_journal_add_journal_head,
kprobe:jbd2_journal_grab_journal_head
{
  @head[tid] = arg0;
  printf("%llu %d %d lock_enter: addr=0x%llx bit=%d word=0x%llx comm=%s\n", nsecs, cpu, tid, arg0, $1,
    *(uint64 *)arg0, comm);
}

kretprobe:jbd2_journal_add_journal_head,
kretprobe:jbd2_journal_grab_journal_head
/@head[tid]/
{
  printf("%llu %d %d lock_return: addr=0x%llx bit=%d comm=%s\n", nsecs, cpu, tid, @head[tid], $1, comm);
  delete(@head[tid]);
}

/* A journal head's first field is its buffer head, whose first field is the word. */
kprobe:jbd2_journal_put_journal_head
{
  $bh = *(uint64 *)arg0;
  @put[tid] = $bh;
  printf("%llu %d %d lock_enter: addr=0x%llx bit=%d word=0x%llx comm=%s\n", nsecs, cpu, tid, $bh, $1,
    *(uint64 *)$bh, comm);
}

kretprobe:jbd2_journal_put_journal_head
/@put[tid]/
{
  printf("%llu %d %d lock_return: addr=0x%llx bit=%d comm=%s\n", nsecs, cpu, tid, @put[tid], $1, comm);
  delete(@put[tid]);
}

tracepoint:sched:sched_switch
{
  printf("%llu %d %d sched_switch: prev_pid=%d next_pid=%d comm=%s\n", nsecs, cpu, tid, args->prev_pid,
    args->next_pid, args->prev_comm);
}

tracepoint:sched:sched_process_exit
{
  printf("%llu %d %d sched_process_exit: pid=%d comm=%s\n", nsecs, cpu, tid, args->pid, comm);
}

END
{
  clear(@head);
  clear(@put);
}
EOF
)

out=${OUT:-bit-locks.txt}
# Pages per CPU: what does not fit is lost, and bpftrace says so ("Lost 34 events").
export BPFTRACE_PERF_RB_PAGES="${PAGES:-1024}"
set -- timeout -s INT "${1:-30}" bpftrace -e "$program" "$bit"
if [ -n "${DRY_RUN:-}" ]; then
  printf "%s\n" "$*"
  exit
fi

status=0
"$@" > "$out.raw" 2>&1 || status=$?
# 124: timeout has ended it, as it should.
[ "$status" = 124 ] || { cat "$out.raw" >&2; exit 1; }
# bpftrace prints one CPU's buffer after the other. Lines without a time (losses) stay behind the line before them.
LC_ALL=C awk '$1 ~ /^[0-9]+$/ { time = $1 } { print (time == "" ? 0 : time) " " $0 }' "$out.raw" |
  LC_ALL=C sort -s -n -k1,1 | cut -d' ' -f2- > "$out"
rm "$out.raw"
echo "$(wc -l < "$out") lines in $out" >&2
