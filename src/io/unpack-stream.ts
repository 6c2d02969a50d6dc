import { SpinbackError } from '../base/errors.ts';
import { useNativeCode } from './native-code.ts';

/** How unpacking a stream ended: with the last frame, within a frame, or at bytes that are no zstd. */
export type StreamEnd = 'whole' | 'cut' | 'broken';

/** The shortest frame has 9 bytes: a piece gives at most one empty result for so many bytes. */
const PATIENCE_SHARE = 8;

/** Unpacks a zstd stream that comes in pieces of any size; what each gives is handed to `write`. */
export async function unpackStream(
  pieces: Iterable<Uint8Array>,
  write: (bytes: Uint8Array) => void,
): Promise<StreamEnd> {
  useNativeCode('zstd-stream');
  const { loadZstdStream } = await import('./zstd-stream.ts');
  const decoder = await loadZstdStream();
  // On damage zstddec 0.3.4 neither throws nor moves on: it yields empty results for ever. More of them than frames fit
  // into the piece mean that it is stuck.
  let patience = 0;
  const watched = function* (): Generator<Uint8Array> {
    for (const piece of pieces) {
      patience = piece.byteLength / PATIENCE_SHARE + 2;
      yield piece;
    }
  };
  const stream = decoder.decodeStreaming(watched());
  for (;;) {
    let next: IteratorResult<Uint8Array>;
    try {
      next = stream.next();
    } catch (error) {
      if (error instanceof SpinbackError) throw error;
      return 'cut';
    }
    if (next.done === true) return 'whole';
    if (next.value.byteLength > 0) write(next.value);
    else if (--patience < 0) return 'broken';
  }
}
