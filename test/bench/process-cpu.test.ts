import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ANALYZE, cpuTimeOf, inTurns, spinback } from '../../bench/process-cpu.ts';
import { ProgramFailed, run } from '../../bench/programs.ts';

const shell = (script: string) => ({ words: ['bash', '-c', script] });

describe('the CPU time of a process', () => {
  test('counts what its children take, in ms', async () => {
    const busy = 'node -e "for (const end = process.cpuUsage().user + 2e5; process.cpuUsage().user < end;);"';
    const ms = await cpuTimeOf(shell(`${busy}; ${busy}`));
    expect(ms).toBeGreaterThan(400);
    expect(await cpuTimeOf(shell('true'))).toBeLessThan(ms);
  });

  test('is not taken of a peer that fails, with whatever status', async () => {
    for (const status of [1, 2, 127])
      await expect(cpuTimeOf(shell(`exit ${status}`))).rejects.toThrow(
        `exit ${status} ended with status ${status}`,
      );
    await expect(cpuTimeOf({ words: ['false'] })).rejects.toThrow('false ended with status 1');
    await expect(cpuTimeOf({ words: ['no-such-program'] })).rejects.toThrow(ProgramFailed);
    await expect(cpuTimeOf(shell('kill -9 $$'))).rejects.toThrow(/ended with status/);
  });

  test('is taken of a spinback that found something, not of one that could not read or is not there', async () => {
    const file = 'traces/lost-unlock.dat';
    await expect(run(spinback(['analyze', file]))).rejects.toThrow('ended with status 1');
    expect(await run(spinback([...ANALYZE, file]))).toContain('lost-unlock');
    expect(await cpuTimeOf(spinback([...ANALYZE, file]))).toBeGreaterThan(0);
    await expect(cpuTimeOf(spinback([...ANALYZE, 'no-such.dat']))).rejects.toThrow('ended with status 3');
    await expect(cpuTimeOf(spinback([...ANALYZE, file], '/no-such-tree'))).rejects.toThrow(
      'ended with status 1',
    );
  });

  test('what is compared takes turns in coming first', async () => {
    const log = `/tmp/spinback-test-turns-${process.pid}`;
    const one = (name: string) => shell(`echo ${name} >> ${log}`);
    expect(await inTurns([one('a'), one('b'), one('c')], 2)).toEqual([
      [expect.any(Number), expect.any(Number), expect.any(Number)],
      [expect.any(Number), expect.any(Number), expect.any(Number)],
    ]);
    expect((await run(shell(`cat ${log}; rm ${log}`))).split(/\s+/).join('')).toBe('abccbaabc');
    expect(existsSync(log)).toBe(false);
  });

  test('a program that cannot be started or fails leaves what it said', async () => {
    await expect(run({ words: ['no-such-program'] })).rejects.toThrow('no-such-program could not be started');
    await expect(run(shell('echo out; echo err >&2; exit 4'))).rejects.toMatchObject({
      output: 'out\nerr\n',
    });
  });
});
