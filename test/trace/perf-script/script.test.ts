import { describe, expect, test } from 'vitest';
import { KINDS } from '../../../src/model/event.ts';
import { eventsOf } from '../../../src/session/session.ts';
import { openSource } from '../../../src/trace/open.ts';
import { bytesSource } from '../../../src/io/bytes.ts';
import { anyCapture } from '../../captures.ts';
import { openCapture } from '../../../src/trace/open.ts';

const open = (text: string) => openSource(bytesSource(new TextEncoder().encode(text), 'script.txt'));

const TEXT = `# ========
# captured on    : Sun Nov 22 14:50:36 2026
# cmdline : /usr/bin/perf record -a -g
# ========
#
         swapper     0 [000]     0.000000: PERF_RECORD_COMM: init:1/1
            perf   118 [000]   101.449662:        lock:contention_end: 0xffff8882777e9768 (ret=0)
a [7] b 5 [001]  101.449700123: lock:contention_begin: 0xffff888106a3c190 (flags=SPIN|MUTEX)
	ffffffff821c9744 mutex_lock_nested+0x24 ([kernel.kallsyms])
	ffffffff81300000 [unknown] ([unknown])

 kworker/u16:5-a    66/67  [002]   101.449800:          1 sched:sched_switch: prev_comm=a prev_pid=67 prev_prio=120 prev_state=D ==> next_comm=b c next_pid=8 next_prio=120
            perf   118 [003]   101.449900: PERF_RECORD_LOST lost 5418
            perf   118 [003]   101.449900:          lock:lock_release: 0xffff8882777e9738 &cpuctx_lock
`;

describe('perf script', () => {
  test('every kind of line', async () => {
    const capture = await open(TEXT);
    const events = [...eventsOf(capture)];
    expect(capture.format).toBe('perf script');
    expect(
      events.map(({ event: { time, kind, cpu, pid, address } }) => [time, KINDS[kind], cpu, pid, address]),
    ).toEqual([
      [101449662000n, 'wait end', 0, 118, 0xffff8882777e9768n],
      [101449700123n, 'contend', 1, 5, 0xffff888106a3c190n],
      [101449800000n, 'switch', 2, 67, 0n],
      [101449900000n, 'lost', 3, 0, 0n],
      [101449900000n, 'release', 3, 118, 0xffff8882777e9738n],
    ]);
    expect(events[2]!.event.value).toBe(67n | (8n << 32n));
    expect(capture.comm(5)).toBe('a [7] b');
    expect(capture.comm(8)).toBe('b c');
    expect(capture.record(events[1]!.place)).toMatchObject({
      type: { name: 'contention_begin' },
      callers: ['mutex_lock_nested+0x24', '0xffffffff81300000'],
      text: '0xffff888106a3c190 (flags=SPIN|MUTEX) <- mutex_lock_nested+0x24 <- 0xffffffff81300000',
    });
    expect(capture.damage().map(({ name }) => name)).toEqual(['lost-events']);
  });

  test('without marks of losses nobody can tell', async () => {
    const capture = await open(TEXT.replace(/.*RECORD_LOST.*\n/, ''));
    expect(capture.damage().map(({ name }) => name)).toEqual(['losses-not-shown']);
  });

  test('without CPUs', async () => {
    const text =
      'sleep 14144 14322.313316:     250000 cpu-clock: \n\t           13a93 main+0x1 (/bin/sleep)\n';
    await expect(open(text)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  test.each([
    ['a kernel log', '[   40.077930] perf 118 [000] 1.0: x: y\n'],
    ['ftrace text', '            perf-118   [000] d..1.   101.449662: lock_release: 0xffff8882777e9738 x\n'],
    ['prose', 'perf is 118 years old\n'],
    ['nothing', ''],
  ])('%s is something else', async (_, text) => {
    const format = await open(text).then(
      (capture) => capture.format,
      (error: { code: string }) => error.code,
    );
    expect(format).not.toBe('perf script');
  });

  test('the text and the file that it was printed from hold the same events', async ({ skip }) => {
    const [text, data] = [anyCapture('perf-ext4-lost.script.txt'), anyCapture('perf-ext4-lost.data')];
    if (!text || !data) return skip();
    const told = async (path: string) => {
      const events = [...eventsOf(await openCapture(path))].map(({ event }) => event);
      return events
        .filter(({ kind }) => KINDS[kind] !== 'lost')
        .map(({ time, kind, cpu, pid, address, value }) =>
          [time / 1000n, KINDS[kind], cpu, pid, address, value].join(' '),
        );
    };
    // The text has no nanoseconds, and what is equal by microseconds stands in the order of the nanoseconds.
    expect(await told(text)).toEqual(await told(data));
  });
});
