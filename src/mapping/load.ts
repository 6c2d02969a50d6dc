import { SpinbackError } from '../base/errors.ts';
import type { Mapping } from './mapping.ts';

/**
 * Reads the text of a mapping file (docs/mapping.md): YAML or JSON. `name` is what messages call the file. Throws
 * SpinbackError USAGE with "name:line:column: ..." for the first thing that is wrong.
 */
export async function loadMapping(text: string, name: string): Promise<Mapping> {
  // Here only: a run without mapping files pays nothing for the libraries behind this.
  const { parseMapping } = await import('./file/mapping-file.ts');
  const parsed = parseMapping(text);
  if ('mapping' in parsed) return parsed.mapping;
  const { line, column, message } = parsed.error;
  throw new SpinbackError('USAGE', `${name}:${line}:${column}: ${message}`);
}
