import { ByteReader, decodeText } from '../../base/byte-reader.ts';
import type { Cursor } from './cursor.ts';

/** Options of a trace.dat by number (trace-cmd 3.4, lib/trace-cmd/include/private/trace-cmd-private.h). */
export const OPTION = {
  done: 0,
  date: 1,
  cpuStat: 2,
  buffer: 3,
  traceClock: 4,
  uname: 5,
  offset: 7,
  cpuCount: 8,
  version: 9,
  timeShift: 12,
  tsc2nsec: 14,
  strings: 15,
  headerInfo: 16,
  ftraceFormats: 17,
  eventFormats: 18,
  kallsyms: 19,
  printk: 20,
  cmdlines: 21,
  bufferText: 22,
} as const;

/** One option, its data as it lies in the file. */
export interface Option {
  readonly id: number;
  readonly data: Uint8Array;
  /** Where the data lies in the file, for messages. */
  readonly offset: number;
  readonly littleEndian: boolean;
}

/** More options than any recorder writes: one per CPU and instance, and a few. */
const MOST_OPTIONS = 1 << 20;

/**
 * Reads options up to and with DONE. Version 6 writes DONE as an id alone (0); version 7 gives it eight bytes of data,
 * the place of the next options section, and hands it over as the last option. Adds to `options`, so that what came
 * before damage is there after an error.
 */
export function readOptions(cursor: Cursor, version: 6 | 7, options: Option[] = []): Option[] {
  while (options.length < MOST_OPTIONS) {
    const id = cursor.u16('an option');
    if (id === OPTION.done && version === 6) return options;
    const size = cursor.u32(`the size of option ${id}`);
    const { offset, littleEndian } = cursor;
    options.push({ id, data: cursor.view(size, `option ${id}`).slice(), offset, littleEndian });
    if (id === OPTION.done) return options;
  }
  throw cursor.damaged('the options do not end');
}

/** The options of one kind, in the file's order. */
export function optionsOf(options: readonly Option[], id: number): Option[] {
  return options.filter((option) => option.id === id);
}

/** The number of CPUs that the CPUCOUNT option gives, null without one. */
export function cpuCountOf(options: readonly Option[]): number | null {
  const option = optionsOf(options, OPTION.cpuCount).at(-1);
  return option && option.data.length >= 4 ? optionReader(option).u32() : null;
}

/** No option holds a text of more than a few hundred bytes. */
const LONGEST_TEXT = 64 * 1024;

/** An option's data as text up to its zero byte. */
export function optionText(option: Option): string {
  const data = option.data.subarray(0, LONGEST_TEXT);
  const end = data.indexOf(0);
  return decodeText(end < 0 ? data : data.subarray(0, end));
}

/** Bounded reads over an option's data. */
export function optionReader(option: Option): ByteReader {
  return new ByteReader(option.data, option.littleEndian, option.offset);
}
