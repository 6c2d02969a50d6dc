// Interrupts by the flags of events alone, without irq_disable and irq_enable.

import { expect, test } from 'vitest';
import { generateTraceDat } from '../../src/generate/index.ts';
import { bytesSource } from '../../src/io/bytes.ts';
import { analyzeCapture } from '../../src/session/session.ts';
import { openSource } from '../../src/trace/open.ts';

test.each([661, 662, 663])(
  'seed %i: whom interrupts come to, and who is switched, had interrupts on',
  async (seed) => {
    const { bytes } = generateTraceDat({
      seed,
      events: 40_000,
      durationNs: 36e9,
      systems: ['bitlock', 'sched'],
    });
    const { findings, trace } = analyzeCapture(await openSource(bytesSource(bytes)));
    expect(trace.events).toBeGreaterThan(10_000);
    expect(findings.map(({ headline }) => headline)).toEqual([]);
  },
);
