// An event, and what is kept of one: kinds, flags, the canonical event, the mark. Rules of these files: ../layout.ts.

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
