import { SpinbackError } from '../../base/errors.ts';
import type { Reader } from '../reader.ts';
import { SpinCapture } from './capture.ts';
import { readContents } from './contents.ts';
import { spinDamageLog } from './damage.ts';
import { MAGIC } from './frame.ts';
import { recordNames, textNames } from './names.ts';
import { loadUnpacker } from './packer.ts';

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
    const contents = readContents(source, await loadUnpacker(), log);
    const names =
      contents.head.of === 'pages' ? recordNames(source, contents, log) : textNames(source, contents, log);
    return new SpinCapture(source, contents, names, log);
  },
};
