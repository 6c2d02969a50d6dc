// What statistics are kept by. Rules of these files: ../layout.ts.

// ---- Series: what statistics are kept by -----------------------------------------------------------------------------
//
// The first 40 bytes are the key, but for the name's length. What the user does not split by is 0 there.

export const SERIES_CLASS = 0; // u64: hash of the lock's name, 0: none known
export const SERIES_ADDRESS = 8; // u64: the lock, where its class is not known or the split is by lock
export const SERIES_SITE = 16; // u64: address, or offset, of the code
export const SERIES_PID = 24; // i32
export const SERIES_CPU = 28; // u16
export const SERIES_LEVEL = 30; // u8
export const SERIES_KIND = 31; // u8: SERIES_IS_*
export const SERIES_NAMESPACE = 32; // u8
export const SERIES_BIT = 33; // u8
export const SERIES_READS = 34; // u8: 1: taken for reading
export const SERIES_NAME_LENGTH = 35; // u8: 0: none, or too long to keep
export const SERIES_ACQUISITIONS = 40; // u64
export const SERIES_CONTENTIONS = 48; // u64
export const SERIES_WAIT = 56; // u32: distribution, 0 while empty
export const SERIES_HOLD = 60; // u32: of a section its length
export const SERIES_FIRST = 64; // mark: the event that made it
export const SERIES_NEXT = 104; // u32: free list
export const SERIES_NAME = 112; // the lock's name, a byte per character
export const SERIES_NAME_LIMIT = 64;
export const SERIES_SIZE = 192; // cache lines: the first one has all that is looked at per event, but for the name
// Numbers are 16 bits wide in stack entries.
export const SERIES_LIMIT = 65535;

export const SERIES_IS_LOCK = 0;
export const SERIES_IS_IRQS_OFF = 1;
export const SERIES_IS_PREEMPT_OFF = 2;

export const SPLIT_IS_ON = 1; // by class, and reading apart from writing
export const SPLIT_BY_LOCK = 2;
export const SPLIT_BY_SITE = 4;
export const SPLIT_BY_TASK = 8;
export const SPLIT_BY_CPU = 16;
export const SPLIT_BY_CONTEXT = 32;
export const SPLIT_BY_STACK = 64; // all callers, where the events carry them

export const DISTRIBUTION_COUNT = 0; // u64
export const DISTRIBUTION_SUM = 8; // u64
export const DISTRIBUTION_MIN = 16; // u64
export const DISTRIBUTION_MAX = 24; // u64
export const DISTRIBUTION_LONGEST = 32; // mark: the event that ended the longest span
export const DISTRIBUTION_ADDRESS = 72; // u64: its lock
export const DISTRIBUTION_ROWS = 80; // u32 each: address of the 2^bits x u32 buckets of one power of two, 0 while empty

// Interrupts or preemption off on a CPU.
export const SECTION_TIME = 0; // u64: since when
export const SECTION_SERIES = 8; // u32: 0: not off, or not counted
export const SECTION_SIZE = 16;

export const CALLER_SITE = 0; // u64
export const CALLER_SERIES = 8; // u32: 0: none
export const CALLER_KIND = 12; // u32
export const CALLER_SIZE = 16;
export const CALLER_LIMIT = 512; // a power of two: each site has one place
