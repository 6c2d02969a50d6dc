// EngineExports is written by hand: held here against what the compiler says, and against the module itself.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readEngineBinary } from '../../src/io/engine-binary.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const text = (path: string): string => readFileSync(resolve(ROOT, path), 'utf8');

/** `name(a: number, b: number): number` -> [name, parameter names] */
function signatures(source: string, pattern: RegExp): Map<string, string[]> {
  return new Map(
    Array.from(source.matchAll(pattern), ([, name, list]) => [
      name!,
      list!
        .split(',')
        .map((parameter) => parameter.trim().split(':')[0]!)
        .filter((parameter) => parameter !== ''),
    ]),
  );
}

const handWritten = (): Map<string, string[]> => {
  const body = /interface EngineExports \{([\s\S]*?)\n\}/.exec(text('src/engine/wasm-engine.ts'))![1]!;
  return signatures(body, /^ {2}(\w+)\(([^)]*)\)/gm);
};

/** The part of the WebAssembly interface that src/engine does not need. */
const { Module } = WebAssembly as unknown as {
  Module: { new (bytes: Uint8Array): object; exports(module: object): { name: string; kind: string }[] };
};

describe.each(['release', 'debug'] as const)('build/%s', (build) => {
  test('the .d.ts has the same functions with the same parameters', () => {
    const compiled = signatures(text(`build/${build}.d.ts`), /export function (\w+)\(([^)]*)\)/g);
    expect(compiled.size).toBeGreaterThan(0);
    expect(new Map([...compiled].toSorted())).toEqual(new Map([...handWritten()].toSorted()));
  });

  test('the module exports the same functions', () => {
    const functions = Module.exports(new Module(readEngineBinary(build))).filter(
      ({ kind }) => kind === 'function',
    );
    expect(functions.map(({ name }) => name).toSorted()).toEqual([...handWritten().keys()].toSorted());
  });
});
