// Input: decode rows, lanes and the merge, the samples of a perf.data. Rules of these files: ../layout.ts.

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
export const LANE_HAS_EVENT = 22; // u8: whether its event is pending still; up to date between steps only
export const LANE_COMMIT_SIZE = 23; // u8: 4 or 8
export const LANE_ORIGIN = 24; // u64: with an address in the window added, the position of what lies there
export const LANE_TIME = 32; // u64: time of the pending event, raw clock
export const LANE_NEXT_TIME = 40; // u64: time of the pending event, ns
export const LANE_RECORD = 48; // u32: address of the pending record
export const LANE_RECORD_SIZE = 52; // u32
export const LANE_CPU = 56; // u16
export const LANE_ID = 58; // u16: below LANE_LIMIT, as in positions (lane << 48 | offset)
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
export const LANE_ROW = 132; // u32: pages, samples: decode row of the pending record
export const LANE_SLOT = 136; // u32: pages, samples: slot of its CPU, 0 while it is not known
export const LANE_HOLES = 140; // u32: pages of zeros since the last other one
export const LANE_SIZE = 144;
export const LANE_LIMIT = 65536;

export const LANE_STATE_READY = 0; // has bytes, or wants some
export const LANE_STATE_LAST = 1; // has bytes, and no more will come

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
