import { judge } from '../analyzers/judge.ts';
import { unexplained } from '../analyzers/kernel-reports.ts';
import { VERSION } from '../base/version.ts';
import type { Engine, EngineOptions, PlacedEvent, StatisticsOptions } from '../engine/engine.ts';
import type { Case } from '../model/case.ts';
import type { JoinedReport } from '../model/join.ts';
import type { LogReport } from '../model/kernel-log.ts';
import { INFO_SCHEMA, REPORT_SCHEMA, type Info, type Report, type Thresholds } from '../model/report.ts';
import type { EngineState } from '../model/state.ts';
import type { Capture, Lane } from '../trace/capture.ts';
import { joinLog } from './join-log.ts';
import { lostTailsOf, undecodedOf, unplacedLosses } from './losses.ts';
import { CaptureNarrator, messageText } from './narrator.ts';
import {
  attemptsHold,
  claim,
  engineInput,
  isOfPages,
  makeWasmEngine,
  pump,
  pumping,
  type EngineMaker,
  type Progress,
} from './pump.ts';
import { questionsOf } from './questions.ts';
import { RingCollector, type MessageLog } from './ring-findings.ts';
import { statsOf, summaryOf, typeCounts } from './summary.ts';

export type { PlacedEvent } from '../engine/engine.ts';
export type { Progress } from './pump.ts';

export const DEFAULT_THRESHOLDS: Thresholds = { watchdogNs: 10e9, spinNs: 1e9, irqOffNs: 1e9 };

export interface AnalyzeOptions {
  readonly thresholds?: Partial<Thresholds>;
  readonly onProgress?: (progress: Progress) => void;
  /** Makes the engine; the release build of the WebAssembly engine by default. */
  readonly engine?: EngineMaker;
  /** Limits of the engine: memory, windows, ring, tables (see EngineOptions). */
  readonly limits?: Partial<
    Pick<
      EngineOptions,
      | 'memoryLimit'
      | 'windowBudget'
      | 'windowLimit'
      | 'ringRecords'
      | 'histogramBits'
      | 'tablePower'
      | 'tableFloor'
    >
  >;
}

/** Whoever wants more of a replay than what it leaves at the end. */
export interface Watch {
  readonly statistics?: StatisticsOptions;
  /** Gets the kernel's messages. */
  readonly log?: MessageLog;
  /** Before the first step: what the engine is told is kept. */
  readonly onStart?: (engine: Engine) => void;
  /** As many events as it was told have been replayed (Engine.pauseAt). */
  readonly onPause?: (engine: Engine) => void;
  /** Behind the last one. */
  readonly onEnd?: (engine: Engine) => void;
}

/** What a replay of a capture left: the case for the analyzers. */
export function replay(capture: Capture, options: AnalyzeOptions, watch: Watch = {}): Case {
  claim(capture, options.onProgress);
  const thresholds = { ...DEFAULT_THRESHOLDS, ...options.thresholds };
  // Thresholds in seconds mean nothing on a clock whose unit is not known (design rule 17).
  const timeIsNs =
    capture.clock.unit === 'ns' || (capture.clock.unit === 'relative' && capture.clock.name !== 'counter');
  const engine = (options.engine ?? makeWasmEngine)({
    ...engineInput(capture),
    // Shorter waits matter too where they explain why interrupts were off.
    spinNs: timeIsNs ? Math.min(thresholds.spinNs, thresholds.irqOffNs) : Infinity,
    irqOffNs: timeIsNs ? thresholds.irqOffNs : Infinity,
    silentNs: timeIsNs ? thresholds.irqOffNs : Infinity,
    ...options.limits,
    ...(watch.statistics && { statistics: watch.statistics }),
  });
  const ring = new RingCollector((mark) => messageText(capture, mark), watch.log);
  watch.onStart?.(engine);
  pump(engine, capture.lanes, ({ state }) => {
    ring.add(engine.drain());
    if (state === 'paused') watch.onPause?.(engine);
    options.onProgress?.(capture.progress());
  });
  watch.onEnd?.(engine);
  const state = engine.state();
  const found = ring.take();
  return {
    state,
    found: { ...found, lost: [...found.lost, ...unplacedLosses(capture, state)] },
    thresholds,
    timeIsNs,
    clock: capture.clock.name,
    attemptsHold: attemptsHold(capture),
    lostTails: lostTailsOf(capture, state),
    wholeTails: new Set(capture.lanes.filter(isWholeTail).map((lane) => lane.cpu)),
    outOfOrder: outOfOrder(capture.lanes, state),
    partialTailNs: capture.partialTailNs ?? 0,
    undecoded: undecodedOf(capture, state),
    narrator: new CaptureNarrator(capture),
  };
}

/** The recorder counts what it dropped on this CPU, and dropped nothing at the end. */
function isWholeTail(lane: Lane): boolean {
  return isOfPages(lane) && lane.lost !== null && !lane.lostTail;
}

/** Lanes of text hold the events of all CPUs, in the order of the lines. */
function outOfOrder(lanes: readonly Lane[], state: EngineState): number {
  const isText = ({ input }: Lane): boolean =>
    input.kind === 'records' || (input.kind === 'blocks' && input.of === 'records');
  return state.lanes.reduce((sum, { lane, backwards }) => sum + (isText(lanes[lane]!) ? backwards : 0), 0);
}

/** Replays a capture and judges it. Damaged input gives a report whose trace.problems say what is missing. */
export function analyzeCapture(capture: Capture, options: AnalyzeOptions = {}): Report {
  return reportOf(capture, replay(capture, options));
}

/** Replays a capture, judges it, and holds it against a kernel log of the same time. */
export function analyzeWithLog(capture: Capture, log: LogReport, options: AnalyzeOptions = {}): JoinedReport {
  const about = replay(capture, options);
  return joinLog(log, reportOf(capture, about), about);
}

/** The same with the log that the capture itself holds, as events of what the kernel printed (printk:console). */
export async function analyzeWithOwnLog(
  capture: Capture,
  options: AnalyzeOptions = {},
): Promise<JoinedReport> {
  const { OwnLog } = await import('./own-log.ts');
  const log = new OwnLog(capture);
  const about = replay(capture, options, { log });
  return joinLog(await log.read(), reportOf(capture, about), about, log.clock);
}

function reportOf(capture: Capture, about: Case): Report {
  const findings = judge(about);
  return {
    schema: REPORT_SCHEMA,
    spinback: VERSION,
    trace: summaryOf(capture, about),
    thresholds: about.thresholds,
    findings,
    kernelReports: unexplained(about, findings),
    stats: statsOf(capture, about),
  };
}

/** Replays a capture and says what it holds and which questions it can answer. */
export function inspectCapture(capture: Capture, options: AnalyzeOptions = {}): Info {
  const about = replay(capture, options);
  capture.readNames?.();
  const trace = summaryOf(capture, about);
  const events = typeCounts(capture, about.state);
  return { schema: INFO_SCHEMA, spinback: VERSION, trace, events, questions: questionsOf(capture, about) };
}

/** Decodes a capture in merged order; stops when the consumer stops. */
export function* eventsOf(capture: Capture, options: AnalyzeOptions = {}): Generator<PlacedEvent> {
  claim(capture, options.onProgress);
  const engine = (options.engine ?? makeWasmEngine)({
    ...engineInput(capture),
    spinNs: Infinity,
    irqOffNs: Infinity,
    silentNs: Infinity,
    ...options.limits,
    collect: true,
  });
  for (const _ of pumping(engine, capture.lanes)) {
    yield* engine.takeEvents();
    options.onProgress?.(capture.progress());
  }
}

/** Replays a capture and returns the engine's state as it is at the end, for tools and tests. */
export function replayCapture(capture: Capture, options: AnalyzeOptions = {}): EngineState {
  return replay(capture, options).state;
}
