// The root of the state: where all else is found. Rules of these files: ../layout.ts.

// ---- State header: at STATE in linear memory, the root of everything below ------------------------------------

// Page 0 belongs to the compiler (a debug build's abort messages); state begins with page 1.
export const STATE = 65536;

export const HEAD_TOP = 0; // u32: first free byte of linear memory
export const HEAD_LIMIT = 4; // u32: linear memory may grow to this
export const HEAD_LANES = 8; // u32: address of the lane table
export const HEAD_LANE_COUNT = 12; // u32
export const HEAD_ROWS = 16; // u32: address of the decode rows
export const HEAD_ROW_COUNT = 20; // u32
export const HEAD_ROW_INDEX = 24; // u32: address of 65536 x u32, type -> offset of its row in HEAD_ROWS
export const HEAD_CPUS = 28; // u32: address of CPU_LIMIT x u32, cpu -> slot
export const HEAD_CPU_COUNT = 32; // u32: CPUs seen
export const HEAD_HEAP = 36; // u32: address of the merge heap: lane addresses by time of their next event
export const HEAD_HEAP_SIZE = 40; // u32
export const HEAD_RING = 44; // u32: address of the finding ring
export const HEAD_RING_CAPACITY = 48; // u32: in records
export const HEAD_RING_HEAD = 52; // u32: next record to write, counts on for ever
export const HEAD_RING_TAIL = 56; // u32: next record to read, counts on for ever
export const HEAD_OUTPUT = 60; // u32: collect mode: address of the canonical events, 0 when replaying
export const HEAD_OUTPUT_CAPACITY = 64; // u32: in items of OUTPUT_SIZE
export const HEAD_OUTPUT_COUNT = 68; // u32
export const HEAD_PRIMED = 72; // u32: the merge heap has been built
export const HEAD_PAUSE = 76; // u32: the ring or the output wants to be drained before the next event
export const HEAD_EVENT = 80; // 40 bytes: the canonical event being replayed, for page lanes
export const HEAD_NOW = 120; // u64: time of the latest event replayed
export const HEAD_POSITION = 128; // u64: its position
export const HEAD_EVENTS = 136; // u64: events replayed
export const HEAD_FIRST_TIME = 144; // u64
export const HEAD_LAST_TIME = 152; // u64

// Thresholds in ns; 0xffffffffffffffff switches the finding off.
export const HEAD_SPIN_NS = 160; // u64
export const HEAD_IRQ_OFF_NS = 168; // u64
export const HEAD_SILENT_NS = 176; // u64

// Orphaned locks, and the LOCK_IS_* that keep a lock from being forgotten (state/locks.ts).
export const HEAD_ORPHANS = 188; // u32
export const HEAD_KEPT = 504; // u32

// Index tables: {address u32, mask u32, count u32, floor u32, patience u32}.
export const HEAD_LOCK_INDEX = 192;
export const HEAD_WORD_INDEX = 216;
export const HEAD_TASK_INDEX = 480;
export const INDEX_ENTRIES = 0;
export const INDEX_MASK = 4;
export const INDEX_COUNT = 8;
export const INDEX_FLOOR = 12; // with fewer entries than this a table doubles rather than forgets
export const INDEX_PATIENCE = 16; // new entries to refuse before memory that was full is looked at again

// Slabs: {free list u32, carve position u32, carve end u32, slots in use u32}.
export const HEAD_LOCK_SLAB = 240;
export const HEAD_WORD_SLAB = 256;
export const HEAD_CONTEXT_SLAB = 272;
export const HEAD_STACK_SLAB = 288;
export const HEAD_DEEP_STACK_SLAB = 304;
export const HEAD_SUSPECT_SLAB = 320;
export const SLAB_FREE = 0;
export const SLAB_CARVE = 4;
export const SLAB_END = 8;
export const SLAB_USED = 12;

// Free index tables by power of two of their size: 32 x u32.
export const HEAD_SPARE = 336;

// Histograms: addresses.
export const HEAD_HIST_WAIT = 464; // u32
export const HEAD_HIST_HOLD = 468; // u32
export const HEAD_HIST_IRQS_OFF = 472; // u32
export const HEAD_HIST_BITS = 476; // u32: precision

// Counters, u64 each.
export const HEAD_COUNTERS = 512;
export const COUNTER_ATTEMPTS = 0;
export const COUNTER_CONTENTIONS = 1;
export const COUNTER_ACQUISITIONS = 2;
export const COUNTER_RELEASES = 3;
export const COUNTER_PEAK_LOCKS = 4;
export const COUNTER_FORGOTTEN_LOCKS = 5; // free entries dropped to stay bounded
export const COUNTER_FORGOTTEN_WORDS = 6;
export const COUNTER_FORGOTTEN_TASKS = 7;
export const COUNTER_UNTRACKED_LOCK_EVENTS = 8; // the lock table was full
export const COUNTER_UNTRACKED_WORD_EVENTS = 9;
export const COUNTER_UNTRACKED_TASK_EVENTS = 10;
export const COUNTER_UNTRACKED_CPU_EVENTS = 11; // CPU number beyond CPU_LIMIT
export const COUNTER_DROPPED_HOLDS = 12; // held-lock stack too deep
export const COUNTER_DROPPED_FINDINGS = 13; // the ring was full
export const COUNTER_DROPPED_SUSPECTS = 14;
export const COUNTER_UNKNOWN_TYPES = 15; // records of a type without a format: read out of row 0
export const COUNTER_UNPAIRED_RELEASES = 16; // released by nobody who was seen to take it
export const COUNTER_TAKEN_TWICE = 17; // taken while believed held: recording order, or an unseen release
export const COUNTER_CONTRADICTIONS = 18; // a lock event's value of the word says the opposite of the event
export const COUNTER_UNTRACKED_SERIES = 19; // locks or callers beyond SERIES_LIMIT, or memory was full
export const COUNTER_UNTRACKED_SPANS = 20; // waits, holds and sections without room for their histogram
export const COUNTER_COUNT = 21;

// Events replayed by kind and namespace: 32 x 4 x u64.
export const HEAD_KINDS = 704;
export const KIND_MASK = 31;

export const HEAD_SAMPLES = 1728; // u32: address of the sample tables, for lanes of perf records
export const HEAD_TURNS = 1732; // u32: address of the rows' lists of fields to turn, 0 for little-endian captures

// Statistics, off while HEAD_SPLIT is 0: series by number, and what is counted where.
export const HEAD_SPLIT = 1864; // u32: SPLIT_*
export const HEAD_SERIES = 1868; // u32: address of SERIES_LIMIT x u32, number -> series
export const HEAD_SERIES_COUNT = 1872; // u32: the highest number
export const HEAD_SECTIONS = 1876; // u32: address of CPU_LIMIT x 2 sections: interrupts off, preemption off
export const HEAD_SINCE = 1880; // u64: what begins earlier does not count
export const HEAD_UNTIL = 1888; // u64: nor what begins later
export const HEAD_SERIES_INDEX = 1896; // like the index tables above, with numbers in place of addresses
export const HEAD_SERIES_SLAB = 1920;
export const HEAD_DISTRIBUTION_SLAB = 1936;
export const HEAD_BUCKET_SLAB = 1952;
export const SERIES_KEY = 1968; // the key that is being looked for, laid out as in a series

export const HEAD_CALLERS = 2020; // u32: address of CALLER_LIMIT x {site u64, series u32, kind u32}: the series that sections counted for last
export const HEAD_BUCKETS = 2016; // u32: room for the numbers of all buckets of a distribution, then for their counts, u32 each
export const HEAD_PAUSE_AT = 2008; // u64: step() stops when so many events have been replayed

// Slots that the next events will need (decode/ahead.ts): AHEAD_EVENTS x u32, then a u32 that nobody reads.
export const HEAD_AHEAD = 2048;
export const AHEAD_EVENTS = 64;
export const HEAD_AHEAD_SUM = 2304;

// Buckets that are to be raised (memory/distribution.ts): DUE_BUCKETS x u32.
export const HEAD_DUE = 2312;
export const DUE_BUCKETS = 64;
export const HEAD_DUE_COUNT = 2568; // u32

// What the hashes of this engine's tables are mixed with, written by whoever makes it: a file cannot know which of its addresses will meet.
export const HEAD_SEED = 2576; // u64

export const HEAD_SIZE = 2584;

// Collect mode: one canonical event, its position (lane << 48 | offset) and the size of its raw record.
export const OUTPUT_POSITION = 40; // u64
export const OUTPUT_RECORD_SIZE = 48; // u32: bytes at EVENT_RAW of the lane's window, 0 where there is no record
export const OUTPUT_CLASS = 56; // u64: what statistics know the lock's name by, and the code: as SERIES_CLASS and SERIES_SITE
export const OUTPUT_SITE = 64; // u64
export const OUTPUT_SIZE = 72;

export const CPU_LIMIT = 8192;
