// What is remembered: locks, words, contexts and their stacks, CPUs, suspects. Rules of these files: ../layout.ts.

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
export const LOCK_LEFT = 168; // mark: where the owner first left what it took the lock in, or exited, without releasing
export const LOCK_CONTENTIONS = 208; // u32
export const LOCK_NEXT = 212; // u32: next lock on the same word; free list
export const LOCK_SERIES = 216; // 2 x u16: the series that counted it last, taken for writing and for reading, 0 for none
export const LOCK_SIZE = 256;

export const LOCK_IS_TAKEN_VISIBLY = 1; // the capture shows `acquire` for it
export const LOCK_IS_READ = 2; // taken for reading at least once
export const LOCK_IS_SEEN_SET = 4; // LOCK_SEEN holds
export const LOCK_IS_ORPHANED = 8; // the owner is gone, the lock was not released
export const LOCK_IS_SLEEPING = 16; // a lock that may be held across a switch
export const LOCK_IS_LEFT = 32; // LOCK_LEFT holds if the lock is owned or orphaned; a hold that ends unseen leaves the bit behind

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
export const CPU_STEP_FROM = 384; // u64: the largest step backwards: the time before it, 0 for none
export const CPU_STEP_TO = 392; // u64: and the time after it
export const CPU_SIZE = 400;

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
