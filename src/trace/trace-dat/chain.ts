import { SpinbackError } from '../../base/errors.ts';
import { OPTION, optionReader, readOptions, type Option } from './options.ts';
import { SECTION_HEADER, type Sections } from './sections.ts';

/** trace-cmd writes one options section with the metadata and one behind each buffer. */
const MOST_OPTION_SECTIONS = 10_000;

/** The options sections of a version 7 file, as far as one led to the next. */
export interface Chain {
  readonly options: readonly Option[];
  /** Where the last section that could be read ends. */
  readonly end: number;
  /** The section that cannot be read, null where the chain ends as it should. */
  readonly broken: { readonly at: number; readonly why: string } | null;
}

/** Follows the chain. Throws DAMAGED unless the first section is whole; of a later one that is cut, the options are kept that are there. */
export function readChain(sections: Sections, first: number): Chain {
  const options: Option[] = [];
  const seen = new Set<number>();
  let end = first;
  for (let at = first; at !== 0;) {
    if (seen.has(at) || seen.size >= MOST_OPTION_SECTIONS)
      return { options, end, broken: { at, why: 'the options sections run in a circle' } };
    seen.add(at);
    try {
      readOptions(sections.open(at, OPTION.done, 'the options').cursor, 7, options);
      end = at + SECTION_HEADER + sections.header(at).size;
      at = optionReader(options.at(-1)!).size64('the place of the next options');
    } catch (error) {
      if (at === first || !isDamage(error)) throw error;
      return { options, end, broken: { at, why: error.message } };
    }
  }
  return { options, end, broken: null };
}

export function isDamage(error: unknown): error is SpinbackError {
  return error instanceof SpinbackError && error.code === 'DAMAGED';
}
