// The one source of record layouts for both sides of the wasm boundary.
//
// Untyped integer constants below 2^31 only: AssemblyScript and TypeScript both compile this file as it is.
// Every offset is in bytes, every multi-byte field is little endian.

// ---- Event kinds ----------------------------------------------------------------------------------------

export const KIND_OTHER = 0;
export const KIND_ATTEMPT = 1;
export const KIND_CONTEND = 2;
export const KIND_ACQUIRE = 3;
export const KIND_WAIT_END = 4;
export const KIND_RELEASE = 5;
export const KIND_RELEASE_HINT = 6;
export const KIND_WORD_LOAD = 7;
export const KIND_WORD_STORE = 8;
export const KIND_WORD_RMW = 9;
export const KIND_OBSERVE = 10;
export const KIND_IRQS_OFF = 11;
export const KIND_IRQS_ON = 12;
export const KIND_PREEMPT_OFF = 13;
export const KIND_PREEMPT_ON = 14;
export const KIND_ENTER = 15;
export const KIND_LEAVE = 16;
export const KIND_SWITCH = 17;
export const KIND_TASK_EXIT = 18;
export const KIND_MESSAGE = 19;
export const KIND_LOST = 20;
// A function that takes and releases the lock has returned; its entry was an attempt.
export const KIND_PASS = 21;
export const KIND_COUNT = 22;

// ---- Event flags (u16) ----------------------------------------------------------------------------------

export const FLAG_IRQS_OFF = 0x0001;
export const FLAG_HARDIRQ = 0x0002;
export const FLAG_SOFTIRQ = 0x0004;
export const FLAG_NMI = 0x0008;
export const FLAG_TRY = 0x0010;
export const FLAG_READ = 0x0020;
export const FLAG_WRITE = 0x0040;
export const FLAG_SPIN = 0x0080;
export const FLAG_MUTEX = 0x0100;
export const FLAG_PERCPU = 0x0200;
export const FLAG_RT = 0x0400;
// Preemption is disabled (the record's preempt depth is above zero).
export const FLAG_PREEMPT_OFF = 0x0800;
// The record does not tell whether interrupts were off.
export const FLAG_IRQS_UNKNOWN = 0x1000;
// A wait ended without the lock (contention_end with ret != 0).
export const FLAG_FAILED = 0x2000;
// Bits 14 and 15: the namespace of the address.
export const FLAG_NAMESPACE_SHIFT = 14;

// Namespaces. A bit lock's address and a plain word's address share NAMESPACE_WORD.
export const NAMESPACE_LOCKDEP = 0; // address of a lockdep map
export const NAMESPACE_WORD = 1; // address of the word that carries a bit lock
export const NAMESPACE_LOCK = 2; // address of the lock itself (contention tracepoints)

// `bit` of a lock that is not a bit lock.
export const WHOLE_LOCK = 0xff;

// ---- Canonical event ------------------------------------------------------------------------------------
//
//    0         8         16       24   25  26    28    32     34    36     40
//    | time u64| addr u64| val u64|kind|bit|cpu16|pid32|flg16 |typ16| raw32|

export const EVENT_TIME = 0;
export const EVENT_ADDRESS = 8;
export const EVENT_VALUE = 16;
export const EVENT_KIND = 24;
export const EVENT_BIT = 25;
export const EVENT_CPU = 26;
export const EVENT_PID = 28;
export const EVENT_FLAGS = 32;
export const EVENT_TYPE = 34;
// Where the record lies in the lane's window. Lanes of canonical records have no raw ones: there it is what statistics want to know
// besides, as two numbers of the reader's, 0 for none: the lock's name (low 16 bits), and who called (high 16 bits). In a block:
// the address of the event's label, 0 for none.
export const EVENT_RAW = 36;
export const EVENT_SIZE = 40;

// ---- Mark: one event remembered -------------------------------------------------------------------------
//
// A canonical event with its position (lane << 48 | byte offset in the lane) in place of the address, so that remembering
// an event is five 64-bit moves. A mark with kind KIND_OTHER and time 0 is empty.
//
//    0         8        16       24   25  26    28    32     34    36     40
//    | time u64| pos u64| val u64|kind|bit|cpu16|pid32|flg16 |typ16| raw32|

export const MARK_TIME = 0;
export const MARK_POSITION = 8;
export const MARK_VALUE = 16;
export const MARK_KIND = 24;
export const MARK_BIT = 25;
export const MARK_CPU = 26;
export const MARK_PID = 28;
export const MARK_FLAGS = 32;
export const MARK_TYPE = 34;
export const MARK_SIZE = 40;

// ---- Decode row: how to turn one tracepoint's record into a canonical event --------------------------------
//
// One row per event type of the capture, row 0 for types without a format. Offsets count from the start of the
// record (its common fields included); a size of 0 means "the record has no such field".

export const ROW_KIND = 0; // u8
export const ROW_BIT_CONST = 1; // u8: bit when ROW_BIT_SIZE is 0
export const ROW_ADDRESS_SIZE = 2; // u8
export const ROW_BIT_SIZE = 3; // u8
export const ROW_VALUE_SIZE = 4; // u8
export const ROW_HIGH_SIZE = 5; // u8: size of the field that becomes value's upper 32 bits (a switch's next pid)
export const ROW_AUX_SIZE = 6; // u8: size of the field that selects flags through the table below
export const ROW_NAMESPACE = 7; // u8
export const ROW_ADDRESS_AT = 8; // u16
export const ROW_BIT_AT = 10; // u16
export const ROW_VALUE_AT = 12; // u16
export const ROW_HIGH_AT = 14; // u16
export const ROW_AUX_AT = 16; // u16
export const ROW_MIN_SIZE = 18; // u16: a record shorter than this is damaged
export const ROW_FLAGS = 20; // u16: flags that every event of this type carries
export const ROW_TYPE = 22; // u16: the type's number
export const ROW_COUNT = 24; // u64: events replayed
export const ROW_IRQS_ON = 32; // u64: of them, seen with interrupts on
export const ROW_IRQS_OFF = 40; // u64: of them, seen with interrupts off
export const ROW_ENTRY = 48; // u16: type of the event at a function's entry, whose address and bit this one (at its return) has; 0: its own
export const ROW_AUX_FLAGS = 64; // 64 x u16: flags by (aux field & 63)
// What statistics are kept by: the lock's name, and the code that took it or turned interrupts off.
export const ROW_NAME = 192; // u8: NAME_*
export const ROW_SITE_SIZE = 193; // u8: 4 or 8, 0 for none
export const ROW_NAME_AT = 194; // u16
export const ROW_SITE_AT = 196; // u16
export const ROW_SIZE = 200;

// The fields that a row's event is read from, for captures of big-endian machines (decode/big-endian.ts): a list for each row, of
// u32 offset | size << 16, none twice and none overlapping another or the common fields; 0 ends it.
export const TURN_SIZE = 32; // seven fields and the end

// How a record holds a name: not at all, or as length << 16 | offset from the record's start, or from the end of that word.
export const NAME_NONE = 0;
export const NAME_DATA_LOC = 1;
export const NAME_REL_LOC = 2;

// ---- Lane -------------------------------------------------------------------------------------------------

export const LANE_WINDOW = 0; // u32: address of the window
export const LANE_CAPACITY = 4; // u32
export const LANE_FILLED = 8; // u32: bytes of the window that hold input
export const LANE_CURSOR = 12; // u32: address of the next event word (pages) or record
export const LANE_PAGE_END = 16; // u32: end of the page's data
export const LANE_STATE = 20; // u8: LANE_*
export const LANE_FORMAT = 21; // u8: LANE_*_FORMAT
export const LANE_HAS_EVENT = 22; // u8
export const LANE_COMMIT_SIZE = 23; // u8: 4 or 8
export const LANE_BASE = 24; // u64: byte offset in the lane of the window's first byte
export const LANE_TIME = 32; // u64: time of the pending event, raw clock
export const LANE_NEXT_TIME = 40; // u64: time of the pending event, ns
export const LANE_RECORD = 48; // u32: address of the pending record
export const LANE_RECORD_SIZE = 52; // u32
export const LANE_CPU = 56; // u16
export const LANE_ID = 58; // u16
export const LANE_PAGE_SIZE = 60; // u32
export const LANE_DATA_AT = 64; // u32: offset of the data in a page
export const LANE_MULT = 68; // u32: clock conversion, 0 for none: ns = (time * mult >> shift) + offset
export const LANE_SHIFT = 72; // u32
export const LANE_PAGE = 76; // u32: address of the current page; of samples: of the pending one
export const LANE_OFFSET_NS = 80; // i64
export const LANE_PENDING_LOST = 88; // i64: events lost before the pending one, -1 unknown number, 0 none
export const LANE_EVENTS = 96; // u64: records decoded
export const LANE_BAD_PAGES = 104; // u32
export const LANE_BAD_EVENTS = 108; // u32: records that do not fit their page or format
export const LANE_FIRST_BAD = 112; // u64: byte offset in the lane of the first damage
export const LANE_BACKWARDS = 120; // u32: times that time ran backwards within the lane
export const LANE_PAGES = 124; // u32: pages read
export const LANE_AHEAD = 128; // u32: address up to which the window was looked through for locks (decode/ahead.ts)
export const LANE_ROW = 132; // u32: pages: decode row of the pending record
export const LANE_SLOT = 136; // u32: pages: slot of the lane's CPU, 0 while it is not known
export const LANE_SIZE = 144;

export const LANE_STATE_READY = 0; // has bytes, or wants some
export const LANE_STATE_LAST = 1; // has bytes, and no more will come
export const LANE_STATE_ENDED = 2;

export const LANE_PAGES_FORMAT = 0;
export const LANE_RECORDS_FORMAT = 1;
export const LANE_SAMPLES_FORMAT = 2;
export const LANE_BLOCKS_FORMAT = 3;

// ---- Sample tables: how the records of a perf.data are laid out ------------------------------------------------
//
// Offsets count from the start of the record, its header included.

export const SAMPLES_ID_AT = 0; // u32: where a sample carries the id of its event, 0: it carries none
export const SAMPLES_IDS = 4; // u32: address of the table of ids: open addressing, at most half full
export const SAMPLES_ID_MASK = 8; // u32: entries of that table - 1
export const SAMPLES_DEFAULT = 12; // u32: address of the layout for ids that are not in the table, 0: such records are damaged
export const SAMPLES_DEPTH = 16; // u32: what recording added to every record's preempt depth
export const SAMPLES_BIG_ENDIAN = 20; // u32: 1 where the stream is
export const SAMPLES_SIZE = 24;

export const ID_NUMBER = 0; // u64
export const ID_LAYOUT = 8; // u32: address, 0: the entry is empty
export const ID_CPU = 12; // i32: where events of this id happen, -1: anywhere
export const ID_SIZE = 16;

export const SAMPLE_TIME_AT = 0; // u8
export const SAMPLE_TID_AT = 1; // u8, 0: none
export const SAMPLE_CPU_AT = 2; // u8, 0: none
export const SAMPLE_REST_AT = 3; // u8: where the parts of variable length begin
export const SAMPLE_PARTS = 4; // u8: SAMPLE_HAS_*
export const SAMPLE_READ = 5; // u8: read_format
export const SAMPLE_TYPE = 6; // u16: event type of samples without a raw record
export const SAMPLE_TRAILER_TIME = 8; // u8: where other records carry their time, counted back from their end; 0: nowhere
export const SAMPLE_TRAILER_CPU = 9; // u8: likewise
export const SAMPLE_SIZE = 16;

export const SAMPLE_HAS_READ = 1;
export const SAMPLE_HAS_CALLCHAIN = 2;
export const SAMPLE_HAS_RAW = 4;

// ---- Scan: a pass over a stream of perf records that finds pieces whose samples are in order of time ----------------

export const SCAN_WINDOW = 0; // u32: address of the window
export const SCAN_FILLED = 4; // u32: bytes of it that hold input
export const SCAN_CONSUMED = 8; // u32: bytes of it that need not be seen again
export const SCAN_IS_LAST = 12; // u32: no input follows
export const SCAN_BASE = 16; // u64: byte offset in the stream of the window's first byte
export const SCAN_SKIP = 24; // u64: bytes to step over before the next record
export const SCAN_PIECE_AT = 32; // u64: offset of the piece being made
export const SCAN_PIECE_END = 40; // u64: end of its last record that counts; SCAN_PIECE_AT where no piece is being made
export const SCAN_FIRST = 48; // u64: time of its first sample
export const SCAN_LAST = 56; // u64: time of its last sample
export const SCAN_OUTPUT = 64; // u32: address of the items
export const SCAN_OUTPUT_CAPACITY = 68; // u32
export const SCAN_OUTPUT_COUNT = 72; // u32
export const SCAN_IS_LOST = 76; // u32: a record was damaged; looking for the next one that can be believed
export const SCAN_DAMAGE_AT = 80; // u64: where that began
export const SCAN_SAMPLES = 88; // u64: samples seen
export const SCAN_UNKNOWN = 96; // u64: of them, those of an unknown id
export const SCAN_DEPTH = 104; // u32: the lowest preempt depth in a raw record
export const SCAN_RAW = 108; // u32: raw records looked at for that
export const SCAN_SIZE = 112;

// A piece is never larger, so that it fits the smallest window; nor is a record (its size has 16 bits).
export const PIECE_LIMIT = 65536;

export const ITEM_KIND = 0; // u32: ITEM_IS_*
export const ITEM_SIZE_OF = 4; // u32: bytes of the piece or the record
export const ITEM_AT = 8; // u64: offset in the stream
export const ITEM_FIRST = 16; // u64: piece: time of the first sample; note: type of the record
export const ITEM_LAST = 24; // u64: piece: time of the last sample
export const ITEM_SIZE = 32;

export const ITEM_IS_PIECE = 1;
export const ITEM_IS_NOTE = 2; // a record that tells of losses, of a task's name, or that should not be here
export const ITEM_IS_DAMAGE = 3; // bytes that are no records
export const ITEM_IS_CUT = 4; // the stream ends within this record

export const SCAN_WANTS_INPUT = 0;
export const SCAN_OUTPUT_FULL = 1;

// Record types: enum perf_event_type (include/uapi/linux/perf_event.h) and enum perf_user_event_type (tools/lib/perf/
// include/perf/event.h), Linux 6.16.
export const PERF_MMAP = 1;
export const PERF_LOST = 2;
export const PERF_COMM = 3;
export const PERF_EXIT = 4;
export const PERF_THROTTLE = 5;
export const PERF_UNTHROTTLE = 6;
export const PERF_FORK = 7;
export const PERF_SAMPLE = 9;
export const PERF_MMAP2 = 10;
export const PERF_LOST_SAMPLES = 13;
export const PERF_KERNEL_TYPES = 32; // the kernel's record types are below; 22 of them exist
export const PERF_HEADER_ATTR = 64; // the recorder's record types begin here
export const PERF_HEADER_TRACING_DATA = 66;
export const PERF_ID_INDEX = 69;
export const PERF_AUXTRACE = 71;
export const PERF_EVENT_UPDATE = 78;
export const PERF_HEADER_FEATURE = 80;
export const PERF_COMPRESSED = 81;
export const PERF_COMPRESSED2 = 83;
export const PERF_USER_TYPES = 128; // they end below; 87 is the first that does not exist

// What step() returns; a number from 0 up is the lane that has run dry.
export const STEP_DONE = -1; // every lane has ended
export const STEP_AGAIN = -2; // the batch is full, call again
export const STEP_RING_FULL = -3; // drain the ring, then call again
export const STEP_OUTPUT_FULL = -4; // collect mode: take the events, then call again
export const STEP_PAUSED = -5; // HEAD_PAUSE_AT events have been replayed: set it anew, then call again

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
export const HEAD_DRY = 184; // u32: address of a lane that waits for input, 0 for none
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
export const COUNTER_UNKNOWN_TYPES = 15; // records of a type without a format
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

export const HEAD_SIZE = 2312;

// Collect mode: one canonical event, its position (lane << 48 | offset) and the size of its raw record.
export const OUTPUT_POSITION = 40; // u64
export const OUTPUT_RECORD_SIZE = 48; // u32: bytes at EVENT_RAW of the lane's window, 0 where there is no record
export const OUTPUT_CLASS = 56; // u64: what statistics know the lock's name by, and the code: as SERIES_CLASS and SERIES_SITE
export const OUTPUT_SITE = 64; // u64
export const OUTPUT_SIZE = 72;

export const CPU_LIMIT = 8192;

// ---- Block: a stretch of events of all lanes in merged order, as a .spin container keeps it ------------------------
//
// One lane delivers the blocks of all lanes (LANE_BLOCKS_FORMAT), one block per window. Behind the header follow, without
// gaps: lanes, strands, shapes, labels, the tokens' bytes, the exceptions' bytes, words. Numbers called varint are LEB128, signed
// ones zigzag. docs/formats/spin.md says why it is so.
//
//   word (BLOCK_*_BITS wide, from bit 0 up):  time since the event before | strand | token
//   strand: a CPU of a lane, with the task that runs there
//   token: what an event says apart from when and who: shape, address, value, label
//   exceptions: what the words leave out: varint events since the last one, varint place << 2 | what, signed varint amount

export const BLOCK_EVENTS = 0; // u32
export const BLOCK_LANES = 4; // u32
export const BLOCK_STRANDS = 8; // u32
export const BLOCK_SHAPES = 12; // u32
export const BLOCK_TOKENS = 16; // u32
export const BLOCK_TOKEN_BYTES = 20; // u32
export const BLOCK_EXCEPTION_BYTES = 24; // u32
export const BLOCK_WORD_BYTES = 28; // u32: 8 spare bytes included, for a word is loaded as 64 bits
export const BLOCK_TIME = 32; // u64: what the first event's time counts from
export const BLOCK_TIME_BITS = 40; // u8
export const BLOCK_STRAND_BITS = 41; // u8
export const BLOCK_TOKEN_BITS = 42; // u8
export const BLOCK_LABELS = 44; // u32; none in files of version 1
export const BLOCK_HEADER = 48;

// A lane that has events in the block: where its first one lies, and what reading the lane came upon meanwhile.
export const DUE_POSITION = 0; // u64: lane << 48 | offset
export const DUE_EVENTS = 8; // u64: how many more, as LANE_*; the first bad one where there was none before
export const DUE_FIRST_BAD = 16; // u64
export const DUE_PAGES = 24; // u32
export const DUE_BAD_PAGES = 28; // u32
export const DUE_BAD_EVENTS = 32; // u32
export const DUE_BACKWARDS = 36; // u32
export const DUE_SIZE = 40;

export const STRAND_HEAD = 0; // u64: cpu << 16 | pid << 32, as in an event; the low 16 bits are not looked at
export const STRAND_LANE = 8; // u32: number of its lane in the block
export const STRAND_ADDRESS = 12; // u32: address of that lane, for the engine; 0 in the file
export const STRAND_SIZE = 16;

export const SHAPE_KIND = 0; // u8
export const SHAPE_BIT = 1; // u8
export const SHAPE_FLAGS = 2; // u16
export const SHAPE_TYPE = 4; // u16
export const SHAPE_STEP = 6; // u16: bytes from this event's position to that of the lane's next event
export const SHAPE_SIZE = 8;

// What statistics know an event's lock and code by: as SERIES_CLASS and SERIES_SITE. Tokens number labels from 1, 0 is none.
export const LABEL_CLASS = 0; // u64
export const LABEL_SITE = 8; // u64
export const LABEL_SIZE = 16;

// Exceptions by their two low bits: the amount is added to the time, is the strand's pid from here on, or is added to the
// lane's position.
export const EXCEPTION_TIME = 0;
export const EXCEPTION_PID = 1;
export const EXCEPTION_POSITION = 2;

// Bounds: none of them can be exceeded by a block that spinback wrote.
export const BLOCK_EVENT_LIMIT = 32768;
export const BLOCK_WORD_BITS_LIMIT = 56;
export const BLOCK_TIME_BITS_LIMIT = 32;
export const BLOCK_NUMBER_BITS_LIMIT = 16; // of strands and tokens
export const BLOCK_OFFSET_BITS = 47; // positions are below 2^47, so that steps cannot carry into the lane's number
// The largest block: every event with a token, a shape, a label, a strand, a lane and an exception of each kind of its own.
export const BLOCK_WINDOW = 5079040;

// What the engine makes of a block, behind the lane's window.
export const TABLE_NEXT = 0; // u32: next event to decode
export const TABLE_EVENTS = 4; // u32: events in the block; fewer where it breaks off
export const TABLE_LANES = 8; // u32: address
export const TABLE_STRANDS = 12; // u32: address
export const TABLE_WORDS = 16; // u32: address
export const TABLE_CURSOR = 20; // u32: next byte of the varints
export const TABLE_END = 24; // u32: end of the varints
export const TABLE_BROKEN = 28; // u32: a varint or a number in the block is impossible
export const TABLE_EXCEPTION = 32; // u32: event of the next exception
export const TABLE_TIME = 40; // u64: time of the last event
export const TABLE_TOKENS = 64; // BLOCK_EVENT_LIMIT x TOKEN_SIZE
export const TOKEN_SIZE = 32; // address, value, and an event's last 16 bytes with the step in place of the CPU
export const TABLE_ITEMS = 1048640; // TABLE_TOKENS + BLOCK_EVENT_LIMIT * TOKEN_SIZE
export const ITEM_LIMIT = 128;
export const TABLE_ITEM_SIZE = 48; // an event and its position, as in collect mode
export const TABLE_SIZE = 1054784; // TABLE_ITEMS + ITEM_LIMIT * TABLE_ITEM_SIZE

// ---- Lock slot: what every take and release needs in two cache lines, which processors fetch together; the rest behind them --------

export const LOCK_ADDRESS = 0; // u64
export const LOCK_NAMESPACE = 8; // u8
export const LOCK_BIT = 9; // u8
export const LOCK_STATE = 10; // u16: LOCK_IS_*
export const LOCK_REFERENCES = 12; // u32: entries in contexts' stacks that name this lock
export const LOCK_WAITERS = 16; // u32: of them, still waiting
export const LOCK_OWNER = 20; // u32: context that took it last and has not released it, 0 for none
export const LOCK_WORD = 24; // u32: the word's history, 0 for none
export const LOCK_SUSPECT = 28; // u32: an update that may have undone the last release, 0 for none
export const LOCK_RELEASES = 32; // u32
export const LOCK_ACQUISITIONS = 36; // u32
export const LOCK_LAST_USE = 40; // u64
export const LOCK_ACQUIRE = 48; // mark: last take
export const LOCK_RELEASE = 88; // mark: last release
export const LOCK_SEEN = 128; // mark: the bit seen set although nobody holds it
export const LOCK_LEFT = 168; // mark: where the owner left without releasing
export const LOCK_CONTENTIONS = 208; // u32
export const LOCK_NEXT = 212; // u32: next lock on the same word; free list
export const LOCK_SERIES = 216; // 2 x u16: the series that counted it last, taken for writing and for reading, 0 for none
export const LOCK_SIZE = 256;

export const LOCK_IS_TAKEN_VISIBLY = 1; // the capture shows `acquire` for it
export const LOCK_IS_READ = 2; // taken for reading at least once
export const LOCK_IS_SEEN_SET = 4; // LOCK_SEEN holds
export const LOCK_IS_ORPHANED = 8; // LOCK_LEFT holds: the owner is gone, the lock was not released
export const LOCK_IS_SLEEPING = 16; // a lock that may be held across a switch

// ---- Word slot: the history of a word that carries bit locks ---------------------------------------------------

export const WORD_ADDRESS = 0; // u64
export const WORD_LOCKS = 8; // u32: first lock on this word
export const WORD_NEXT = 12; // u32: free list
export const WORD_WRITERS_COUNT = 16; // u32: writers ever; the last WORD_WRITER_LIMIT are kept
export const WORD_LOADS_COUNT = 20; // u32
export const WORD_LAST_USE = 24; // u64
export const WORD_WRITERS = 32; // marks
export const WORD_WRITER_LIMIT = 8;
export const WORD_LOADS = 352; // marks: plain loads, one per context
export const WORD_LOAD_LIMIT = 4;
export const WORD_SIZE = 512;

// ---- Context: a task, or one interrupt level of a CPU ----------------------------------------------------------

export const CONTEXT_PID = 0; // i32
export const CONTEXT_CPU = 4; // u16: where it was last seen
export const CONTEXT_LEVEL = 6; // u8: LEVEL_*
export const CONTEXT_IS_EXITING = 7; // u8: sched_process_exit was seen
export const CONTEXT_DEPTH = 8; // u32: entries in the stack
export const CONTEXT_STACK = 12; // u32
export const CONTEXT_CAPACITY = 16; // u32
export const CONTEXT_NEXT = 20; // u32: free list
export const CONTEXT_EXIT_TIME = 32; // u64
export const CONTEXT_EXIT_POSITION = 40; // u64
export const CONTEXT_OUT_TIME = 48; // u64: last switched out, or interrupt level left
export const CONTEXT_OUT_POSITION = 56; // u64
export const CONTEXT_KEY = 64; // u64: pid, or 1 << 32 | cpu for pid 0
export const CONTEXT_IN_TIME = 72; // u64: last switched in
export const CONTEXT_SIZE = 80;

export const LEVEL_PROCESS = 0;
export const LEVEL_SOFTIRQ = 1;
export const LEVEL_HARDIRQ = 2;
export const LEVEL_NMI = 3;

export const STACK_SHALLOW = 8; // entries
export const STACK_DEEP = 64;

// ---- Stack entry: one lock that a context holds or waits for ----------------------------------------------------

export const ENTRY_LOCK = 0; // u32
export const ENTRY_STATE = 4; // u8: ENTRY_IS_*
export const ENTRY_CPU = 6; // u16: where the attempt was
export const ENTRY_FLAGS = 8; // u16: of the attempt, or of the take where there was none
export const ENTRY_TYPE = 10; // u16: event type of the attempt
export const ENTRY_RELEASES = 12; // u32: releases of the lock when the wait began
export const ENTRY_ATTEMPT_TIME = 16; // u64, 0: none seen
export const ENTRY_ATTEMPT_POSITION = 24; // u64
export const ENTRY_CONTEND_TIME = 32; // u64, 0: none seen
export const ENTRY_CONTEND_POSITION = 40; // u64
export const ENTRY_CONTEND_VALUE = 48; // u64
export const ENTRY_ACQUIRE_TIME = 56; // u64
export const ENTRY_ACQUIRE_POSITION = 64; // u64
export const ENTRY_HOLDER_TIME = 72; // u64: take by the holder at the time of the wait, 0: nobody known
export const ENTRY_HOLDER_POSITION = 80; // u64
export const ENTRY_HOLDER_PID = 88; // i32
export const ENTRY_HOLDER_CPU = 92; // u16
export const ENTRY_SERIES = 94; // u16: number of the series that it counts for, 0 for none
export const ENTRY_SIZE = 96;

export const ENTRY_IS_ATTEMPT = 1;
export const ENTRY_IS_WAITING = 2;
export const ENTRY_IS_HELD = 3;

// ---- CPU slot -------------------------------------------------------------------------------------------------

export const CPU_NUMBER = 0; // u16
export const CPU_LEVEL = 2; // u8: interrupt level of the last event
export const CPU_IRQS = 3; // u8: IRQS_*, by preemptirq events
export const CPU_PID = 4; // i32: current task
export const CPU_TASK = 8; // u32: its context, 0 when not looked up yet
export const CPU_CONTEXTS = 12; // 3 x u32: softirq, hardirq, NMI context, 0 for none yet
export const CPU_FIRST_TIME = 24; // u64
export const CPU_LAST_TIME = 32; // u64
export const CPU_EVENTS = 40; // u64
export const CPU_LOST = 48; // u64: events lost with a known number
export const CPU_LOST_SPANS = 56; // u32
export const CPU_LOST_UNKNOWN = 60; // u32: spans with an unknown number
export const CPU_BREAKS = 64; // u32: continuity breaks that no loss mark explains (design rule 13)
export const CPU_BACKWARDS = 68; // u32
export const CPU_LAST_BREAK = 72; // u64: time of the last break, 0 for none
export const CPU_SWITCH_NEXT = 80; // i32
export const CPU_SWITCH_KNOWN = 84; // u8
export const CPU_LAST = 88; // mark: last event that is not from an NMI
export const CPU_IRQS_OFF = 128; // mark: where interrupts went off (CPU_IRQS == IRQS_ARE_OFF)
export const CPU_SWITCH = 168; // mark: last switch
export const CPU_FLAGS_ON = 208; // mark: last event seen with interrupts on, unless that is CPU_LAST
export const CPU_FLAGS_OFF_FIRST = 248; // mark: first event since then that was seen off and can be on
export const CPU_FLAGS_OFF_LAST = 288; // mark
export const CPU_BUSY_GAPS = 328; // u64: gaps between events while not idling
export const CPU_BUSY_MAX = 336; // u64: the longest, ns
export const CPU_FIRST_BREAK = 344; // u64: time of the first break, 0 for none
export const CPU_TICKS = 352; // u64: intervals between hard interrupts while not idling
export const CPU_TICK_MAX = 360; // u64: the longest, ns
export const CPU_LAST_TICK = 368; // u64: time of the last hard interrupt since it idled, 0 for none
export const CPU_IRQ_EVENTS = 376; // u64: irqs off and on events
export const CPU_SIZE = 384;

export const IRQS_ARE_UNKNOWN = 0;
export const IRQS_ARE_ON = 1;
export const IRQS_ARE_OFF = 2;

// ---- Suspect: a plain store that may have undone an atomic update ------------------------------------------------

export const SUSPECT_CAUSE = 0; // u8: SUSPECT_SETS or SUSPECT_ERASES
export const SUSPECT_NEXT = 4; // u32: free list
export const SUSPECT_LOAD = 8; // mark
export const SUSPECT_UPDATE = 48; // mark: the atomic update between load and store
export const SUSPECT_STORE = 88; // mark
export const SUSPECT_ACQUIRE = 128; // mark: the take before
export const SUSPECT_CONFIRM = 168; // mark: a later value that shows the result, before any take
export const SUSPECT_SIZE = 208;

export const SUSPECT_SETS = 1; // set a lock bit that had been released
export const SUSPECT_ERASES = 2; // erased a lock bit that had been taken

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

// ---- Ring record ---------------------------------------------------------------------------------------------------

export const RECORD_KIND = 0; // u8: RECORD_IS_*
export const RECORD_LEVEL = 1; // u8
export const RECORD_NAMESPACE = 2; // u8
export const RECORD_BIT = 3; // u8
export const RECORD_CPU = 4; // u16
export const RECORD_FLAGS = 6; // u16
export const RECORD_PID = 8; // i32
export const RECORD_COUNT = 12; // u32
export const RECORD_ADDRESS = 16; // u64
export const RECORD_EXTRA = 24; // u64
export const RECORD_MARKS = 32;
export const RECORD_MARK_LIMIT = 7;
export const RECORD_SIZE = 312;

// What the marks of each kind are, in order.
export const RECORD_IS_WAIT = 1; // attempt, contend, acquire, holder's take, last release, irqs off, owner now; flags: the attempt's; count: releases meanwhile
export const RECORD_IS_IRQ_OFF = 2; // off, on
export const RECORD_IS_FLAGS_OFF = 3; // last on, first off, last off, next on
export const RECORD_IS_GAP = 4; // before, after; extra: longest busy gap before, count: busy gaps before
export const RECORD_IS_LOST_UPDATE = 5; // load, update, store, take before, confirmation, take after; count: SUSPECT_SETS/ERASES
export const RECORD_IS_DOUBLE_RELEASE = 6; // last take, last release, this release; count: takes seen so far
export const RECORD_IS_FOREIGN_RELEASE = 7; // owner's take, this release, where the owner left; count: takes seen so far
export const RECORD_IS_LOST = 8; // before, after; extra: events lost, 0 unknown
export const RECORD_IS_MESSAGE = 9; // the message
export const RECORD_IS_PAUSE = 10; // first event of any CPU after it; extra: time of the last one before
