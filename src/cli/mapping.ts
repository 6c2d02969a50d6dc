import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { decodeText } from '../base/byte-reader.ts';
import { SpinbackError } from '../base/errors.ts';
import { packageFolder } from '../io/package-folder.ts';
import { readSmallFile } from '../io/small-file.ts';
import { loadMapping } from '../mapping/load.ts';
import type { OpenOptions } from '../trace/reader.ts';

/** A mapping file that was read: plain data, which goes to other threads. */
export interface MappingText {
  readonly name: string;
  /** What the user called it. */
  readonly given: string;
  readonly text: string;
}

/** More is no mapping file, which is checked again when it is parsed. */
const LARGEST = 1 << 20;
const ENDING = '.yaml';

/** Reads the mapping files, for whoever cannot read them again: a pipe gives its text once. */
export function mappingTexts(files: readonly (string | MappingText)[]): MappingText[] {
  return files.map((file) => {
    if (typeof file !== 'string') return file;
    const path = shipped(file) ?? file;
    return { name: path, given: file, text: textOf(path, file) };
  });
}

/** The rows and patterns of mapping files, in their order. Throws USAGE for one that cannot be used. */
export async function mappingOptions(
  files: readonly (string | MappingText)[],
): Promise<Required<Pick<OpenOptions, 'rows' | 'lines'>>> {
  const mappings = [];
  for (const { name, text } of mappingTexts(files)) mappings.push(await loadMapping(text, name));
  return {
    rows: mappings.flatMap((mapping) => mapping.rows),
    lines: mappings.flatMap((mapping) => mapping.lines),
  };
}

/** A bare name is one of the mappings that come with spinback. */
function shipped(name: string): string | null {
  if (!/^[\w-]+$/.test(name)) return null;
  const folder = packageFolder('mappings');
  return folder !== null && shippedNames(folder).includes(name) ? join(folder, name + ENDING) : null;
}

function shippedNames(folder: string): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(ENDING))
    .map((file) => basename(file, ENDING))
    .toSorted();
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** The whole file; what has no size (a pipe) up to the limit, too. */
function textOf(path: string, asked: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readSmallFile(path, LARGEST + 1);
  } catch (error) {
    const folder = packageFolder('mappings');
    const names = folder === null ? '' : `; these come with spinback: ${shippedNames(folder).join(', ')}`;
    const why = isMissing(error) ? 'there is no such file' : error instanceof Error ? error.message : error;
    throw new SpinbackError('USAGE', `the mapping file ${asked} cannot be read: ${why}${names}`);
  }
  if (bytes.length > LARGEST)
    throw new SpinbackError('USAGE', `${asked} has more than 1 MiB: that is no mapping file`);
  return decodeText(bytes);
}
