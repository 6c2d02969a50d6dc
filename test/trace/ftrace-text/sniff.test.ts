import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ftraceTextReader } from '../../../src/trace/ftrace-text/reader.ts';
import { encode } from './harness.ts';

const sniff = (head: string | Uint8Array) =>
  ftraceTextReader.sniff(
    (typeof head === 'string' ? encode(head) : head).subarray(0, ftraceTextReader.sniffBytes),
    {},
  );

const EVENT =
  '       trace-cmd-108     [003] .....    16.034320: lock_release: ffffffff81ff0c70 trace_types_lock\n';

test.each([
  ['an event', EVENT],
  ['an event, cut by the end of the head', EVENT.slice(0, -10)],
  ['blank lines and comments first', `\n \n# cat trace\n${EVENT}`],
  ['cpus=', `cpus=4\n${EVENT}`],
  ['a version and warnings', `version = 7\n  [kvm:kvm_exit] function kvm_foo not defined\ncpus=4\n${EVENT}`],
  ['a mark of lost events', `CPU:3 [400042 EVENTS DROPPED]\n${EVENT}`],
  ['latency style', '  <idle>-0       3d..1. 58503202776: irq_disable:          caller=x\n'],
  ['several files', `cpus=4\nlost-unlock.dat: ${EVENT}`],
  ['a byte order mark', `\ufeff${EVENT}`],
  ['CRLF', `cpus=4\r\n${EVENT.replace('\n', '\r\n')}`],
  ['a first line that is cut', EVENT.slice(30) + EVENT.repeat(3)],
  ['a mail around a trace', `This is what I see:\n\n\`\`\`\n${EVENT.repeat(3)}`],
  ['an empty trace', '# tracer: nop\n#\n# entries-in-buffer/entries-written: 0/0   #P:4\n#\n'],
  ['an empty latency trace', '# tracer: wakeup\n#\n# wakeup latency trace v1.1.5 on 6.1.0\n'],
  [
    'function_graph, to say that it is not read',
    '# tracer: function_graph\n#\n# CPU  DURATION      FUNCTION CALLS\n 0) 1 us | f();\n',
  ],
])('recognised: %s', (_, head) => {
  expect(sniff(head)).toBe(true);
});

test.each([
  ['nothing', ''],
  ['blank lines', '\n\n\n'],
  ['comments', '# tracer: bullet\n# a shell script\necho 1\n'],
  ['only cpus=', 'cpus=4\nmemory=8G\n'],
  [
    'a kernel log',
    '[    0.000000] Linux version 6.12.117-bitlock (gcc-14) #1 SMP\n[    0.000000] Command line: x-1 [0]\n',
  ],
  [
    'a dump of the ring in a kernel log',
    '[   40.077930]   <idle>-0         0d..2. 125961us : sched_switch: prev_comm=a\n',
  ],
  [
    'the same with a log level',
    '<4>[   40.077930]   <idle>-0         0d..2. 125961us : sched_switch: prev_comm=a\n',
  ],
  ['perf script', 'swapper     0 [003]    12.345678: lock:contention_begin: 0xffff (flags=SPIN)\n'],
  ['CSV', 'time,cpu,pid,event\n16.034320,3,108,lock_release\n'],
  ['source code', `/* ${EVENT} */\nint main(void) { return x-1 [0]; }\n`],
  ['a mail that quotes a trace', `From: a@example.org\nSubject: trace\n\n> ${EVENT}`],
  ['prose that ends in a trace', `This is what I see:\n${EVENT}`],
  ['two events in prose', `One:\n${EVENT}and another:\n${EVENT.repeat(2)}That is all.\n`],
  ['JSON', '{"schema": "spinback/report@1"}\n'],
  ['zeros', new Uint8Array(4096)],
  ['a trace.dat', Uint8Array.of(0x17, 0x08, 0x44, ...encode('tracing6\0'))],
  ['one endless line', encode('x'.repeat(1 << 20))],
])('left to others: %s', (_, head) => {
  expect(sniff(head)).toBe(false);
});

test('this very file is not a trace', () => {
  expect(sniff(readFileSync(new URL(import.meta.url)))).toBe(false);
});
