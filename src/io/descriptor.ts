import * as fs from 'node:fs';
import { SpinbackError } from '../base/errors.ts';
import type { ByteSource } from './source.ts';

/** One read call of the system takes at most this much. */
const LARGEST_READ = 2 ** 30;

/** A source over an open descriptor that can seek. `owned`: close it with the source. */
export function descriptorSource(fd: number, name: string, size: number, owned: boolean): ByteSource {
  let open = true;
  return {
    name,
    size,
    readInto(target, position) {
      if (!open) throw new SpinbackError('UNREADABLE', `${name} was closed`, { path: name });
      const wanted = Math.max(0, Math.min(target.byteLength, size - position));
      let done = 0;
      try {
        while (done < wanted) {
          const part = Math.min(wanted - done, LARGEST_READ);
          const got = fs.readSync(fd, target, done, part, position + done);
          if (got === 0) break; // the file has shrunk since it was opened
          done += got;
        }
      } catch (error) {
        throw systemError(error, name, `cannot be read at offset ${position + done}`);
      }
      return done;
    },
    close() {
      if (open && owned) fs.closeSync(fd);
      open = false;
    },
  };
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of its path is not a directory',
  ELOOP: 'too many symbolic links',
  EMFILE: 'too many open files',
  ENOSPC: 'no space left',
  EIO: 'the device reports an error',
};

/** What the system refused, as UNREADABLE; errors of ours pass unchanged. */
export function systemError(error: unknown, name: string, what: string): SpinbackError {
  if (error instanceof SpinbackError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  return new SpinbackError('UNREADABLE', `${name} ${what}: ${REASONS[code] ?? code}`, { path: name });
}
