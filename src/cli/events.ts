import { SpinbackError } from '../base/errors.ts';
import { KINDS } from '../model/event.ts';
import { eventJson, eventLine, type ShownEvent } from '../report/events.ts';
import { timesOf } from '../report/times.ts';
import type { PlacedEvent } from '../session/session.ts';
import type { Capture, EventType } from '../trace/capture.ts';
import { errorText, exitOf, EXIT } from './exit.ts';
import { isDamaged, isDebug, reportDamage } from './files.ts';
import { isNamed, readyFilter, type EventFilter, type ReadyFilter } from './filter.ts';
import type { Io } from './io.ts';
import { openOptions, type OpenCommand } from './one-file.ts';

/** The options of `spinback events`. */
export interface EventsCommand extends EventFilter, OpenCommand {
  readonly json?: boolean;
  /** Fetch each record's own fields. */
  readonly verbose?: boolean;
  /** The most events to show, null for all. */
  readonly limit: number | null;
}

/** Characters that are collected before they are written. */
const CHUNK = 1 << 16;

/**
 * Prints the capture's events in order of time, one line each. Memory does not grow with the capture. Returns the
 * exit status.
 */
export async function events(path: string, command: EventsCommand, io: Io): Promise<number> {
  const session = await io.session();
  const options = await openOptions(command);
  let capture: Capture | null = null;
  let exit: number = EXIT.ok;
  try {
    capture = await session.open(path, options);
    await print(session.events(capture), capture, command, io);
  } catch (error) {
    await io.stderr.write(errorText(error, path, isDebug(io)));
    exit = exitOf(error);
  } finally {
    capture?.close();
  }
  // Whoever closed the pipe has seen enough; what the rest of the file is like was not looked at.
  if (capture === null || io.stdout.closed) return exit;
  const damage = capture.damage().map((problem) => ({ ...problem, offset: problem.offset ?? null }));
  await reportDamage(path, damage, io);
  return Math.max(exit, isDamaged(damage) ? EXIT.unreadable : EXIT.ok);
}

async function print(
  source: Iterable<PlacedEvent>,
  capture: Capture,
  command: EventsCommand,
  io: Io,
): Promise<void> {
  const { stdout } = io;
  const type = typeFinder(capture);
  const show = presenter(capture, command, type);
  let filter: ReadyFilter | null = null;
  let shown = 0;
  let chunk = '';
  try {
    for (const placed of source) {
      const { event } = placed;
      if (filter === null) {
        filter = readyFilter(command, {
          start: event.time,
          clock: capture.clock,
          type,
          comm: (pid) => capture.comm(pid),
        });
        if (filter.from !== null) capture.skipBefore?.(filter.from);
      }
      const range = filter.range(event.time);
      // Lanes are merged by time: behind the first event after the end there is none before it.
      if (range === 'after') return;
      if (range === 'before' || !filter.passes(event)) continue;
      if (shown === command.limit) {
        await io.stderr.write(`spinback: there are more events than the ${shown} shown (--limit)\n`);
        return;
      }
      chunk += `${show(placed)}\n`;
      shown++;
      if (chunk.length < CHUNK) continue;
      const full = chunk;
      chunk = '';
      await stdout.write(full);
      if (stdout.closed) return;
    }
  } finally {
    await stdout.write(chunk);
  }
  const absent = command.event.filter((name) => !capture.types.some((known) => isNamed(known, [name])));
  if (absent.length > 0) {
    throw new SpinbackError('USAGE', `the capture has no event called ${absent.join(', ')}`);
  }
  if (shown === 0) await io.stderr.write('spinback: no event matches\n');
}

type TypeFinder = (id: number) => EventType | undefined;

/** Event types by number. A reader of text may come upon types while it reads. */
function typeFinder(capture: Capture): TypeFinder {
  const known = new Map<number, EventType>();
  let seen = 0;
  return (id) => {
    for (; seen < capture.types.length; seen++) known.set(capture.types[seen]!.id, capture.types[seen]!);
    return known.get(id);
  };
}

/** How an event of this capture becomes a line. */
function presenter(
  capture: Capture,
  { json, verbose }: EventsCommand,
  typeOf: TypeFinder,
): (placed: PlacedEvent) => string {
  const times = timesOf({ clock: capture.clock.name, timeUnit: capture.clock.unit });
  const withValue = new Set(capture.rows.filter(({ value }) => value.size > 0).map(({ type }) => type));
  return ({ event, place }) => {
    const type = typeOf(event.type);
    const record = verbose ? capture.record(place) : null;
    const shown: ShownEvent = {
      event,
      lane: place.lane,
      offset: place.offset,
      comm: record?.comm ?? capture.comm(event.pid),
      system: type?.system ?? '',
      name: type?.name ?? (KINDS[event.kind] === 'lost' ? 'lost' : `type-${event.type}`),
      hasValue: withValue.has(event.type),
      fields: record?.fields,
      text: record?.text,
    };
    return json ? eventJson(shown) : eventLine(shown, times);
  };
}
