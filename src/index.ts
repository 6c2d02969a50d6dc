// The library: what `import { ... } from 'spinback'` gives. Re-exports only.

export { SpinbackError, type ErrorCode, type ErrorPlace } from './base/errors.ts';
export { VERSION } from './base/version.ts';
export { FLAGS, KINDS, NAMESPACES } from './model/event.ts';
export type { CanonicalEvent, EventPlace, FlagName, KindName, NamespaceName } from './model/event.ts';
export { analyzeLog, type LogOptions } from './dmesg/analyze-log.ts';
export * from './model/join.ts';
export * from './model/kernel-log.ts';
export * from './model/report.ts';
export { infoJson, reportJson } from './report/json.ts';
export { joinJson, joinText } from './report/dmesg-join.ts';
export { logJson, logText, type LogTextOptions } from './report/dmesg.ts';
export { infoText } from './report/info.ts';
export { reportText, type TextOptions } from './report/terminal.ts';
export { loadMapping } from './mapping/load.ts';
export type { LinePattern, Mapping } from './mapping/mapping.ts';
export type { MappingRow } from './mapping/rows.ts';
export { convertCapture } from './session/convert.ts';
export {
  DEFAULT_THRESHOLDS,
  analyzeCapture,
  analyzeWithLog,
  analyzeWithOwnLog,
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
