// The library: what `import { ... } from 'spinback'` gives. Re-exports only.

export { SpinbackError, type ErrorCode, type ErrorPlace } from './base/errors.ts';
export { VERSION } from './base/version.ts';
export { FLAGS, KINDS, NAMESPACES } from './model/event.ts';
export type { CanonicalEvent, EventPlace, FlagName, KindName, NamespaceName } from './model/event.ts';
export * from './model/report.ts';
export { infoJson, reportJson } from './report/json.ts';
export { infoText } from './report/info.ts';
export { reportText, type TextOptions } from './report/terminal.ts';
export { convertCapture } from './session/convert.ts';
export {
  DEFAULT_THRESHOLDS,
  analyzeCapture,
  eventsOf,
  inspectCapture,
  type AnalyzeOptions,
  type PlacedEvent,
  type Progress,
} from './session/session.ts';
export type {
  Capture,
  Clock,
  Damage,
  EventRecord,
  EventType,
  FieldValue,
  Keepsake,
  Lane,
} from './trace/capture.ts';
export { openCapture } from './trace/open.ts';
export type { OpenOptions } from './trace/reader.ts';
