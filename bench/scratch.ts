import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// What a benchmark must not leave behind is undone when its process ends, by an error and by a signal too.

const undoings = new Set<() => void>();
// Statuses that a shell gives a program that such a signal ended.
const STATUSES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** Has `undo` called when the process ends, unless the returned function is called before. */
export function atEnd(undo: () => void): () => void {
  if (process.listenerCount('exit', undoAll) === 0) {
    process.on('exit', undoAll);
    for (const [signal, status] of Object.entries(STATUSES)) process.on(signal, () => process.exit(status));
  }
  undoings.add(undo);
  return () => undoings.delete(undo);
}

function undoAll(): void {
  // The latest first: who writes into a folder ends before the folder goes.
  for (const undo of [...undoings].toReversed()) undo();
}

/** A temporary folder, removed with everything in it when the process ends. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spinback-bench-'));
  // Again where somebody still was writing into it.
  atEnd(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  return folder;
}

/** Signals are heard only between two turns of the event loop: a long computation takes one now and then. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
