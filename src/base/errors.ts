/** What went wrong, for programs; the message is for people. */
export type ErrorCode =
  | 'UNREADABLE' // the file cannot be opened or read
  | 'NOT_A_CAPTURE' // no reader recognises the first bytes
  | 'UNSUPPORTED' // recognised, but a layout that spinback does not read yet
  | 'DAMAGED' // recognised, but cannot go on
  | 'USAGE'
  | 'LIMIT'; // a stated limit was reached

export interface ErrorPlace {
  readonly path?: string;
  /** Byte offset in the file. */
  readonly offset?: number;
}

/** The one error class that spinback throws on purpose. Anything else that escapes is a bug. */
export class SpinbackError extends Error {
  readonly code: ErrorCode;
  readonly path: string | undefined;
  readonly offset: number | undefined;

  constructor(code: ErrorCode, message: string, place: ErrorPlace = {}) {
    super(message);
    this.name = 'SpinbackError';
    this.code = code;
    this.path = place.path;
    this.offset = place.offset;
  }
}
