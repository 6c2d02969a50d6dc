import { SpinbackError } from '../../base/errors.ts';
import type { Reader } from '../reader.ts';
import { SpinCapture } from './capture.ts';
import { readContents } from './contents.ts';
import { spinDamageLog } from './damage.ts';
import { MAGIC } from './frame.ts';
import { recordNames, sampleNames, type Parts } from './names.ts';
import { loadUnpacker, type Unpacker } from './packer.ts';
import type { SpinNames } from './capture.ts';
import { textNames } from './text-names.ts';

/** spinback's own container, made by `spinback convert`: docs/formats/spin.md. */
export const spinReader: Reader = {
  name: 'spin',
  sniffBytes: MAGIC.length,
  sniff: (head) => MAGIC.every((byte, n) => head[n] === byte),
  async open(source, { rows = [] }) {
    if (rows.length > 0) {
      throw new SpinbackError(
        'USAGE',
        'a .spin container holds what events meant when it was written: give --map to spinback convert',
      );
    }
    const log = spinDamageLog();
    const unpacker = await loadUnpacker();
    const contents = readContents(source, unpacker, log);
    const names = await namesOf({ source, contents, log }, unpacker);
    return new SpinCapture(source, contents, names, log);
  },
};

function namesOf(parts: Parts, unpacker: Unpacker): SpinNames | Promise<SpinNames> {
  switch (parts.contents.head.of) {
    case 'pages':
      return recordNames(parts);
    case 'samples':
      return sampleNames(parts, unpacker);
    case 'records':
      return textNames(parts);
  }
}
