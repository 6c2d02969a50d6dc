import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { main } from '../../src/generate/command-line.ts';
import {
  generateText,
  generateTraceDat,
  readFault,
  readLoss,
  SIMULATION_DEFAULTS,
} from '../../src/generate/index.ts';
import { openCapture } from '../../src/trace/open.ts';

let folder: string;
let errors: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spinback-generate-'));
  errors = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    errors += String(text);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

describe('generate workload', () => {
  it('takes the defaults that its help prints', async () => {
    let help = '';
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      help += String(text);
      return true;
    });
    await main(['workload', '--help']);
    const out = join(folder, 'x.dat');
    const options = [...help.matchAll(/^  (--(?:start|skew)) .*?\(default:\s+"?([^)"]+)"?\)/gms)];
    expect(options.map(([, flag, value]) => [flag, value])).toEqual([
      ['--start', '14.312s'],
      ['--skew', '400ns'],
    ]);
    const given = options.flatMap(([, flag, value]) => [flag!, value!]);
    expect(await main(['workload', '--out', out, '--events', '500', ...given])).toBe(0);
    expect(Buffer.compare(readFileSync(out), generateTraceDat({ events: 500 }).bytes)).toBe(0);
    const faults = help
      .slice(help.indexOf('Faults'))
      .split(/^  (?=\w[\w-]*:)/m)
      .slice(1);
    expect(faults.length).toBeGreaterThan(10);
    for (const fault of faults) {
      const settings = [...fault.matchAll(/^      (\w+=\S+)/gm)].map(([, setting]) => setting);
      const name = /^[\w-]+/.exec(fault)![0];
      for (const setting of settings) expect(() => readFault(`${name}:${setting}`)).not.toThrow();
    }
  });

  it('writes what the library makes, and the truth beside it', async () => {
    const out = join(folder, 'x.dat');
    const orders = [
      '--fault',
      'bit-erased',
      '--fault',
      'double-release:cpu=2',
      '--loss',
      'gap:cpu=1,at=300us,for=50us',
    ];
    const args = ['workload', '--out', out, '--seed', '5', '--cpus', '3', '--events', '9000', ...orders];
    expect(await main(args)).toBe(0);
    expect(errors).toContain('x.dat: 9000 events');
    const made = generateTraceDat({
      seed: 5,
      cpus: 3,
      events: 9000,
      faults: [readFault('bit-erased'), readFault('double-release:cpu=2')],
      losses: [readLoss('gap:cpu=1,at=300us,for=50us', SIMULATION_DEFAULTS.startNs)],
    });
    expect(Buffer.compare(readFileSync(out), made.bytes)).toBe(0);
    const truth = JSON.parse(readFileSync(`${out}.truth.json`, 'utf8')) as Record<string, unknown>;
    expect(truth).toEqual({
      seed: 5,
      startNs: String(made.startNs),
      endNs: String(made.endNs),
      faults: made.truths,
      losses: made.losses,
    });
  });

  it.each(['v6', 'v7', 'trace', 'latency', 'report'])('writes %s', async (format) => {
    const out = join(folder, 'x');
    expect(await main(['workload', '--out', out, '--format', format, '--events', '500'])).toBe(0);
    const capture = await openCapture(out);
    expect(capture.format).toContain(
      { v6: 'v6', v7: 'v7', trace: 'text', latency: 'text', report: 'report' }[format],
    );
    capture.close();
    expect(existsSync(`${out}.truth.json`)).toBe(false);
  });

  it('takes the shape of the machine and of the file', async () => {
    const out = join(folder, 'x.dat');
    const machine = ['--systems', 'lock,irq:softirq_entry', '--mix', 'spin=1,mutex=0', '--no-debug-mutex'];
    const file = ['--compress', 'zlib', '--page-size', '8192', '--clock', 'x86-tsc', '--tsc2nsec'];
    expect(await main(['workload', '--out', out, '--events', '3000', ...machine, ...file])).toBe(0);
    const capture = await openCapture(out);
    expect(capture).toMatchObject({ format: 'trace.dat v7 (zlib)', clock: { name: 'x86-tsc', unit: 'ns' } });
    expect(capture.lanes[0]!.input).toMatchObject({ layout: { pageSize: 8192 } });
    capture.close();
  });

  it('writes text with nine decimals', async () => {
    const out = join(folder, 'x.txt');
    expect(
      await main(['workload', '--out', out, '--format', 'report', '--nanoseconds', '--events', '50']),
    ).toBe(0);
    expect(readFileSync(out, 'utf8')).toBe(generateText({ events: 50 }, 'report', true));
  });

  it.each([
    ['no output', []],
    ['an unknown fault', ['--out', 'x', '--fault', 'nonsense']],
    ['an unknown loss', ['--out', 'x', '--loss', 'nonsense']],
    ['an unknown system', ['--out', 'x', '--systems', 'nonsense']],
    ['an unknown activity', ['--out', 'x', '--mix', 'nonsense=3']],
    ['an impossible page', ['--out', 'x', '--page-size', '100']],
    ['a negative number', ['--out', 'x', '--events', '-4']],
    ['too many CPUs', ['--out', 'x', '--cpus', '600']],
    ['an unknown format', ['--out', 'x', '--format', 'csv']],
  ])('refuses %s', async (_, args) => {
    vi.spyOn(process, 'cwd').mockReturnValue(folder);
    const placed = args.map((arg) => (arg === 'x' ? join(folder, 'x') : arg));
    expect(await main(['workload', ...placed])).toBe(2);
    expect(errors).toMatch(/error|generate:/);
  });

  it.each([
    ['perf', '--long', '4'],
    ['perf', '--endian', 'big'],
    ['perf', '--compress', 'zstd'],
    ['perf', '--clock', 'local'],
    ['perf', '--page-size', '8192'],
    ['report', '--tsc2nsec'],
    ['v6', '--compress', 'zstd'],
    ['v7', '--nanoseconds'],
  ])('does not ignore that format %s has no %s', async (format, ...args) => {
    const out = join(folder, 'x');
    expect(await main(['workload', '--out', out, '--events', '50', '--format', format, ...args])).toBe(2);
    expect(errors).toContain(`${args[0]} means nothing in format ${format}, only in `);
    expect(existsSync(out)).toBe(false);
  });

  it.each([
    ['an impossible page', ['--page-size', '100'], 'cannot have 100 bytes'],
    ['a fault that comes too late', ['--fault', 'irq-off:at=50s'], 'ended before this happened: irq-off;'],
  ])('leaves nothing behind for %s, and what was there as it was', async (_, args, said) => {
    const out = join(folder, 'x.dat');
    expect(await main(['workload', '--out', out, '--events', '500', ...args])).toBe(2);
    expect(errors).toContain(said);
    expect(readdirSync(folder)).toEqual([]);
    writeFileSync(out, 'old');
    expect(await main(['workload', '--out', out, '--events', '500', ...args])).toBe(2);
    expect(readFileSync(out, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['x.dat']);
  });

  it('says where it cannot write', async () => {
    expect(await main(['workload', '--out', join(folder, 'missing', 'x.dat'), '--events', '10'])).toBe(3);
    expect(errors).toContain('cannot be written');
  });
});

describe('generate filter', () => {
  it('writes the smaller file', async () => {
    const [from, to] = [join(folder, 'x.dat'), join(folder, 'y.dat')];
    await main(['workload', '--out', from, '--events', '5000']);
    const cut = ['--drop', 'bitlock,preemptirq', '--from', '14.3121', '--to', '14.3125', '--cpus', '0,1'];
    expect(await main(['filter', from, to, ...cut, '--format', 'v6'])).toBe(0);
    expect(errors).toMatch(/y\.dat: \d+ events kept, \d+ left out/);
    expect(statSync(to).size).toBeLessThan(statSync(from).size);
    const capture = await openCapture(to);
    expect(capture.format).toBe('trace.dat v6');
    capture.close();
  });

  it('does not write over what it reads', async () => {
    const out = join(folder, 'x.dat');
    await main(['workload', '--out', out, '--events', '500']);
    const before = readFileSync(out);
    expect(await main(['filter', out, out, '--drop', 'irq'])).toBe(2);
    expect(Buffer.compare(readFileSync(out), before)).toBe(0);
    expect(readdirSync(folder)).toEqual(['x.dat']);
  });

  it('says what it cannot read', async () => {
    expect(await main(['filter', join(folder, 'none.dat'), join(folder, 'y.dat')])).toBe(3);
    expect(errors).toMatch(/^generate: /);
    expect(existsSync(join(folder, 'y.dat'))).toBe(false);
  });
});

it('explains its faults', async () => {
  let help = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    help += String(text);
    return true;
  });
  expect(await main(['workload', '--help'])).toBe(0);
  expect(help).toContain('lost-unlock: an unlock that a plain store undoes');
  expect(help).toContain('threshold=');
  expect(help).toContain('how=return  return, exit, context: ');
  expect(help.replace(/\s+/g, ' ')).toContain('zstd wants Node 22.15 or later');
});
