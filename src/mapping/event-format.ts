/** One field of a tracepoint's record, as its `format` file describes it. */
export interface FormatField {
  readonly name: string;
  /** The C type as printed, without the name: "unsigned long", "char", "__data_loc char[]". */
  readonly type: string;
  readonly offset: number;
  readonly size: number;
  readonly signed: boolean;
  /** Declared as an array ("char comm[16]"); __data_loc and __rel_loc fields are not. */
  readonly isArray: boolean;
  /** "data" for __data_loc (offset from the record's start), "rel" for __rel_loc, "none" otherwise. */
  readonly location: 'none' | 'data' | 'rel';
}

export interface EventFormat {
  readonly id: number;
  readonly system: string;
  readonly name: string;
  readonly fields: readonly FormatField[];
}
