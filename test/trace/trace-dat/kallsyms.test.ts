import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.ts';
import { Kallsyms } from '../../../src/trace/trace-dat/kallsyms.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

interface Line {
  readonly address: bigint;
  readonly type: string;
  readonly name: string;
}

/** What the kernel prints: absolute symbols, its own ones sorted, then those of modules, each sorted for itself. */
function kernel(random: Random): Line[] {
  const lines: Line[] = [];
  for (let n = 0; n < 20; n++) lines.push({ address: BigInt(n * 16), type: 'A', name: `percpu_${n}` });
  let address = 0xffffffff81000000n;
  for (let n = 0; n < 300; n++) {
    lines.push({ address, type: 'TtDdRr'[random.int(6)]!, name: n === 0 ? '_stext' : `fn_${n}` });
    address += BigInt(random.int(4) * 32);
  }
  for (const module of ['ext4', 'dm_mod', 'bhrace']) {
    let at = 0xffffffffa0000000n + BigInt(random.int(1000) * 4096);
    for (let n = 0; n < 20; n++)
      lines.push({ address: (at += 64n), type: 't', name: `${module}_${n}\t[${module}]` });
  }
  return lines;
}

/** The rule, said plainly: the greatest address at or below, of equal ones the first in the text; absolute ones do not count. */
function expected(lines: readonly Line[], address: bigint): string | null {
  let best: Line | null = null;
  for (const line of lines) {
    if (line.type === 'A' || line.address > address) continue;
    if (!best || line.address > best.address) best = line;
  }
  if (!best || address - best.address > 1n << 20n) return null;
  const name = best.name.split('\t')[0]!;
  return address === best.address ? name : `${name}+0x${(address - best.address).toString(16)}`;
}

describe('kallsyms by bisection and by table', () => {
  it.each([1, 2, 3, 4, 5, 6])('seed %i: every address gets the nearest symbol below', (seed) => {
    const random = new Random(seed);
    const lines = kernel(random);
    const text = lines
      .map(({ address, type, name }) => `${address.toString(16).padStart(16, '0')} ${type} ${name}\n`)
      .join('');
    const symbols = new Kallsyms(() => encode(text));
    for (const { address } of lines) {
      for (const near of [address - 1n, address, address + 1n, address + 31n, address + 5000n]) {
        if (near >= 0n) expect(symbols.symbol(near), near.toString(16)).toBe(expected(lines, near));
      }
    }
    expect(symbols.address('_stext')).toBe(0xffffffff81000000n);
    expect(symbols.address('ext4_3')).toBe(lines.find(({ name }) => name.startsWith('ext4_3\t'))!.address);
    expect(symbols.address('percpu_3')).toBeNull();
    expect(symbols.address('fn')).toBeNull();
  });

  it('survives text that is not kallsyms', () => {
    for (const text of [
      '',
      '\n\n\n',
      'x'.repeat(5000),
      'ffffffff81000000',
      '\nffffffff81000000 T',
      '\u0000'.repeat(100),
    ]) {
      const symbols = new Kallsyms(() => encode(text));
      expect(symbols.symbol(0xffffffff81000010n)).toBeNull();
      expect(symbols.address('_stext')).toBeNull();
    }
  });

  it('finds the last symbol of an unsorted text', () => {
    const text = 'ffffffff81000300 T c\nffffffff81000100 T a\nffffffff81000200 T b\n';
    const symbols = new Kallsyms(() => encode(text));
    expect(symbols.symbol(0xffffffff81000150n)).toBe('a+0x50');
    expect(symbols.symbol(0xffffffff81000250n)).toBe('b+0x50');
    expect(symbols.symbol(0xffffffff81000350n)).toBe('c+0x50');
  });
});
