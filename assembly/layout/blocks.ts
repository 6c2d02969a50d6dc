// The blocks of a .spin container. Rules of these files: ../layout.ts.

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
export const DUE_COUNT_BITS = 31; // what all blocks say of a lane adds up to less than 2^31 each; of events, to no more than offsets
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
