// What the engine reports as it happens. Rules of these files: ../layout.ts.

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
export const RECORD_IS_WAIT = 1; // attempt, contend, acquire, holder's take, last release, irqs off, owner now; flags: the attempt's; count: releases meanwhile; extra: 1 where the lock was taken for reading at least once
export const RECORD_IS_IRQ_OFF = 2; // off, on
export const RECORD_IS_FLAGS_OFF = 3; // last on, first off, last off, next on
export const RECORD_IS_GAP = 4; // before, after; extra: longest busy gap before, count: busy gaps before
export const RECORD_IS_LOST_UPDATE = 5; // load, update, store, take before, confirmation, take after; count: SUSPECT_SETS/ERASES
export const RECORD_IS_DOUBLE_RELEASE = 6; // last take, last release, this release; count: takes seen so far
export const RECORD_IS_FOREIGN_RELEASE = 7; // owner's take, this release, where the owner left; count: takes seen so far
export const RECORD_IS_LOST = 8; // before, after; extra: events lost, 0 unknown
export const RECORD_IS_MESSAGE = 9; // the message
export const RECORD_IS_PAUSE = 10; // first event of any CPU after it; extra: time of the last one before
