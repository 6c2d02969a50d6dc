import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Incident, LogReport } from '../../src/model/kernel-log.ts';
import { smallCapture } from '../captures.ts';
import { logOf } from './harness.ts';

// "Hard lockup in ext4_finish_bio", linux-kernel, 8 October 2015: what a reader must get out of it.
describe('the report of 2015', () => {
  let log: LogReport;
  let incident: Incident;

  beforeAll(async () => {
    log = await logOf(readFileSync(smallCapture('seed-2015.txt')));
    incident = log.incidents[0]!;
  });

  it('is one hard lockup: CPU, task, workqueue', () => {
    expect(log.incidents).toHaveLength(1);
    expect(log.log.kernel).toBe('3.12.47-clouder1');
    expect(incident).toMatchObject({
      kind: 'hard-lockup',
      cpu: 23,
      pid: 4611,
      comm: 'kworker/u98:7',
      function: 'ext4_finish_bio',
      workqueue: 'writeback bdi_writeback_workfn (flush-252:148)',
    });
  });

  it('begins at 427149.717 and is still stuck 10.69 s later', () => {
    expect(incident.firstNs).toBe('427149717553000');
    expect(incident.stillStuck).toEqual([
      { atNs: '427160405277000', afterNs: 10_687_724_000, function: 'ext4_finish_bio' },
    ]);
  });

  it('has interrupts off by the flags register', () => {
    expect(incident.interrupts).toEqual({ state: 'off', why: 'EFLAGS 0x00000002: bit 9 (IF) is clear' });
  });

  it('splits the stack, although all of it hangs together', () => {
    const parts = (part: string): string[] =>
      incident.stack.filter((frame) => frame.part === part && frame.reliable).map((frame) => frame.function);
    expect(parts('nmi')[0]).toBe('dump_stack');
    expect(parts('nmi').at(-1)).toBe('end_repeat_nmi');
    expect(parts('softirq').slice(0, 2)).toEqual(['ext4_end_bio', 'bio_endio']);
    expect(parts('hardirq')).toContain('smp_call_function_single_interrupt');
    expect(parts('process').at(-1)).toBe('ret_from_fork');
  });

  it('names the three nested device-mapper completions', () => {
    expect(incident.nesting).toEqual([
      {
        functions: ['bio_endio', 'dec_pending', 'clone_endio'],
        times: 3,
        says: expect.stringContaining('3 nested device-mapper completions') as string,
      },
    ]);
  });

  it('gets the lock from code and registers alone', async () => {
    const text = readFileSync(smallCapture('seed-2015.txt'), 'utf8');
    const { incidents } = await logOf(text.slice(0, text.indexOf('After sampling from')));
    expect(incidents[0]!.spin).toMatchObject({
      kind: 'bit-spinlock',
      from: 'code',
      word: { address: '0xffff880826272138', bit: 4, why: 'R12 = 0xffff880826272138' },
      seen: { value: '0x110', mask: '0xffffffffffffff10' },
    });
  });

  it('decodes b_state as 3.12 had it', () => {
    const [word] = incident.words;
    expect(word).toMatchObject({
      what: 'buffer_head.b_state',
      value: '0x131',
      address: '0xffff880826272138',
    });
    expect(word!.bits.map(({ name }) => name)).toEqual([
      'Uptodate',
      'Uptodate_Lock',
      'Mapped',
      'Async_Write',
    ]);
    expect(word!.implies.join(' ')).toMatch(
      /end_buffer_async_write has not run.*0x400 is below the page size/,
    );
  });

  it('ranks a lost unlock and a holder elsewhere above hardware, each with reasons', () => {
    const causes = incident.hypotheses.map(({ cause }) => cause);
    expect(causes[0]).toBe('lost-unlock');
    expect(causes.indexOf('holder-elsewhere')).toBeLessThan(causes.indexOf('hardware'));
    for (const { pro, settledBy } of incident.hypotheses) {
      expect(pro.length).toBeGreaterThan(0);
      expect(settledBy).toMatch(/\S/);
    }
    expect(incident.hypotheses.find(({ cause }) => cause === 'hardware')?.contra.length).toBeGreaterThan(0);
  });

  it('says what it does not know and what to record', () => {
    expect(incident.unknown.join(' ')).toContain('other CPUs');
    expect(incident.record.join(' ')).toContain('end_buffer_async_write');
  });
});
