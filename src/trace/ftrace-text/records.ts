import { writeEvent, EVENT_RECORD_SIZE } from '../../model/event-record.ts';
import { FLAGS, KINDS } from '../../model/event.ts';
import { SpinbackError } from '../../base/errors.ts';
import type { ByteSource } from '../../io/source.ts';
import type { CommTable } from './comms.ts';
import type { TextDamageLog } from './damages.ts';
import type { Dialect } from './dialect.ts';
import { Header, type Dropped } from './header.ts';
import type { FieldSink, ParsedText } from './fields.ts';
import { EventLine, type TimeForm } from './line.ts';
import { hashOn, siteOfLine, type Labels } from './labels.ts';
import { LineReader } from './lines.ts';
import type { Places } from './places.ts';
import type { TextType, TypeTable } from './types.ts';

/** The place of every 4096th record is kept: 2 KB for a million of them, and at most 4096 lines to go back to one. */
const CHECKPOINT = 4096;
/** Marks of lost events that wait for an event line behind them. */
const MAX_WAITING = 1024;

const LOST = KINDS.indexOf('lost');

interface WaitingLoss {
  readonly cpu: number;
  readonly count: Dropped['count'];
  readonly offset: number;
}

/** An event, in the shape that writeEvent takes, filled anew for every line. */
class EventSink implements FieldSink, ParsedText {
  time = 0n;
  address = 0n;
  value = 0n;
  kind = 0;
  bit = 0xff;
  cpu = 0;
  pid = 0;
  flags = 0;
  type = 0;
  nextComm: string | null = null;
  nextPid = 0;
  hashed = false;
  name = '';
  /** A hash of who called, 0: nobody says. */
  callers = 0;
  /** Byte offset of the line in the source. */
  offset = 0;
}

/** Kinds that statistics keep apart by name and caller. */
const LABELLED = new Set(
  (['attempt', 'contend', 'acquire', 'irqs off', 'preempt off'] as const).map((kind) => KINDS.indexOf(kind)),
);

/** Where every so-many-th record's line lies. */
export class Checkpoints {
  readonly #from: number;
  readonly #offsets: number[] = [];
  #records = 0;

  /** `from`: the byte offset of the text. */
  constructor(from: number) {
    this.#from = from;
  }

  /** The next record's line lies at `offset`. */
  add(offset: number): void {
    if (this.#records++ % CHECKPOINT === 0) this.#offsets.push(offset);
  }

  /**
   * Where to start reading to come to record `index`: the byte offset of a line, and the number of the record that this line
   * becomes.
   */
  before(index: number): { readonly offset: number; readonly first: number } {
    const at = Math.min(Math.floor(index / CHECKPOINT), this.#offsets.length - 1);
    return at < 0 ? { offset: this.#from, first: 0 } : { offset: this.#offsets[at]!, first: at * CHECKPOINT };
  }
}

/** What the streams of one capture have in common. */
export interface TextParts {
  readonly dialect: Dialect;
  readonly types: TypeTable;
  readonly comms: CommTable;
  readonly labels: Labels;
  readonly places: Places;
  readonly damage: TextDamageLog;
  /** The form of the first event's time, null when that is not known. */
  readonly timeForm: TimeForm | null;
}

/**
 * Text into canonical records, in the order of the file. Every event line and every mark of lost events becomes
 * one record, so a record's number can be counted from any checkpoint without knowing what came before.
 */
export class RecordStream {
  readonly checkpoints: Checkpoints;
  readonly #parts: TextParts;
  readonly #dialect: Dialect;
  readonly #damage: TextDamageLog;
  readonly #lines: LineReader;
  #timeForm: TimeForm | null;
  readonly #header = new Header();
  readonly #line = new EventLine();
  /** The last event, and the one before it, by turns. */
  #event = new EventSink();
  #other = new EventSink();
  #waiting: WaitingLoss[] = [];
  /** How many of the waiting losses have their time by now, and how many of those are written. */
  #ready = 0;
  #written = 0;
  /** The last event may have more lines. */
  #isOpen = false;
  /** An event that is to be written next. */
  #whole: EventSink | null = null;
  #ended = false;
  #lastTime = 0n;
  /** Kind of the last event; before the first one, other text may stand as it may behind an unmapped event. */
  #lastKind = 0;
  #otherLines = 0;
  #unnumbered = 0;
  #longLines = 0;

  /** Over the text from byte offset `from` on. */
  constructor(source: ByteSource, parts: TextParts, from: number, chunk?: number) {
    this.#parts = parts;
    this.#dialect = parts.dialect;
    this.#damage = parts.damage;
    this.#timeForm = parts.timeForm;
    this.#lines = new LineReader(source, from, chunk);
    this.checkpoints = new Checkpoints(from);
  }

  /** Everything was read. */
  get hasEnded(): boolean {
    return this.#ended;
  }

  get position(): number {
    return this.#lines.position;
  }

  /** Fills `target` with whole records and returns how many bytes; 0 at the end. */
  read(target: Uint8Array): number {
    if (target.length < EVENT_RECORD_SIZE) {
      throw new SpinbackError('LIMIT', `a buffer of ${target.length} bytes holds no event`);
    }
    const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
    let at = 0;
    while (at + EVENT_RECORD_SIZE <= target.length) {
      if (this.#whole) this.#writeEvent(view, at, this.#whole);
      else if (this.#written < this.#ready) this.#writeLoss(view, at);
      else if (this.#advance()) continue;
      else break;
      at += EVENT_RECORD_SIZE;
    }
    return at;
  }

  /** Reads on until there is something to write; false at the end. */
  #advance(): boolean {
    const lines = this.#lines;
    while (!this.#ended) {
      this.#ended = !lines.next();
      if (lines.longLines > this.#longLines) this.#countLongLines();
      if (this.#ended) break;
      const isEvent = this.#dialect.parseEvent(lines.bytes, lines.start, lines.end, this.#line);
      if (!lines.terminated && !this.#takeOpenEnd(isEvent)) continue;
      if (isEvent) {
        this.#takeEvent();
        if (this.#whole || this.#ready > 0) return true;
      } else if (this.#takeOther()) return true;
    }
    this.#close();
    return this.#release() || this.#whole !== null;
  }

  /** No more lines belong to the last event. */
  #close(): void {
    if (this.#isOpen) this.#whole = this.#event;
    this.#isOpen = false;
  }

  /**
   * The last line where it has no line end, which no program leaves away: is there an event in it, or a mark of lost ones? Even then
   * no number of the event is used, for `ffff88` reads as well as the whole address.
   */
  #takeOpenEnd(isEvent: boolean): boolean {
    const { bytes, start, end, offset } = this.#lines;
    if (!isEvent && this.#dialect.parseDropped(bytes, start, end)) return true;
    const isNamed = isEvent && this.#line.nameEnd > this.#line.nameStart;
    // What may be a message's next line may as well be the first columns of an event.
    const isKnown = isEvent ? isNamed || this.#isCall() : this.#isAround() || this.#belongsTo(LOST);
    const isStrict = this.#dialect.strange === 'unparsed-lines';
    const isShort = isNamed ? this.#lacksFields() : isStrict && !isKnown;
    this.#damage.add(isShort ? 'truncated' : 'cut-last-line', offset);
    return isEvent && isKnown;
  }

  /** "func <-caller" of the function tracer, whose lines have no name. */
  #isCall(): boolean {
    return this.#lines.text(this.#line.textStart, this.#line.textEnd).includes('<-');
  }

  #lacksFields(): boolean {
    const line = this.#line;
    const { fields } = this.#parts.types.peek(line.nameBytes, line.nameStart, line.nameEnd);
    const scratch = new EventSink();
    const text = this.#lines.text(line.textStart, line.textEnd);
    return fields?.wanted === true && !fields.parse(text, scratch, scratch);
  }

  #takeEvent(): void {
    this.#close();
    [this.#event, this.#other] = [this.#other, this.#event];
    const { bytes, offset } = this.#lines;
    const line = this.#line;
    const event = this.#event;
    event.offset = offset;
    const text = this.#parts.types.get(line.nameBytes, line.nameStart, line.nameEnd);
    if (text.type.id === 0) this.#damage.add('too-many-types', offset);
    this.#timeForm ??= line.timeForm;
    if (line.timeForm !== this.#timeForm) this.#damage.add('mixed-times', offset);
    event.time = line.time;
    event.cpu = line.cpu;
    event.pid = line.pid;
    event.type = text.type.id;
    this.#takeFields(text);
    this.#parts.comms.see(line.pid, bytes, line.commStart, line.commEnd, line.latency);
    this.checkpoints.add(offset);
    this.#isOpen = true;
    this.#lastTime = line.time;
    this.#lastKind = text.kind;
    this.#otherLines = 0;
    this.#release();
  }

  #takeFields(text: TextType): void {
    const event = this.#event;
    const lines = this.#lines;
    const line = this.#line;
    const usable = text.fields !== null && this.#parseFields(text.fields, line);
    event.kind = usable ? text.kind : 0;
    event.callers = LABELLED.has(event.kind) ? siteOfLine(lines.bytes, line) : 0;
    if (!usable || text.fields?.wanted !== true) event.name = '';
    if (!usable) {
      event.address = 0n;
      event.value = 0n;
      event.bit = 0xff;
      event.flags = 0;
    } else {
      if (event.hashed) this.#damage.add('hashed-pointers', lines.offset);
      if (event.nextComm !== null) this.#parts.comms.set(event.nextPid, event.nextComm);
    }
    event.flags |= line.flags;
  }

  #parseFields(fields: NonNullable<TextType['fields']>, line: EventLine): boolean {
    const lines = this.#lines;
    if (!fields.wanted) return fields.parse('', this.#event, this.#event);
    if (!lines.terminated) return false;
    if (fields.parse(lines.text(line.textStart, line.textEnd), this.#event, this.#event)) return true;
    this.#damage.add('unparsed-fields', lines.offset);
    return false;
  }

  /** A line that is no event; true when losses have become ready to be written. */
  #takeOther(): boolean {
    const { bytes, start, end, offset } = this.#lines;
    const dropped = this.#dialect.parseDropped(bytes, start, end);
    if (dropped) {
      this.#close();
      this.#damage.add('lost-events', offset, '', Math.max(1, Number(dropped.count)));
      this.checkpoints.add(offset);
      // Where the mark names no CPU, its losses stand with the CPU of the line before.
      this.#waiting.push({ count: dropped.count, cpu: dropped.cpu ?? this.#event.cpu, offset });
      return (this.#waiting.length >= MAX_WAITING && this.#release()) || this.#whole !== null;
    }
    if (this.#isAround()) return false;
    if (!this.#belongsTo(this.#lastKind)) this.#damage.add(this.#dialect.strange, offset);
    else if (this.#dialect.hasCallers && LABELLED.has(this.#event.kind))
      this.#event.callers = hashOn(this.#event.callers, bytes, start, end);
    return false;
  }

  /** Is it a line that stands around events: a comment, a note? */
  #isAround(): boolean {
    const { bytes, start, end } = this.#lines;
    return this.#dialect.isNote(bytes, start, end) || this.#header.accept(bytes, start, end);
  }

  /** Does the line belong to an event of this kind before it? */
  #belongsTo(kind: number): boolean {
    const { bytes, start, end } = this.#lines;
    return this.#dialect.continues(bytes, start, end, kind, this.#otherLines++);
  }

  /** Gives the waiting losses the time of the last line. */
  #release(): boolean {
    this.#ready = this.#waiting.length;
    return this.#ready > 0;
  }

  #countLongLines(): void {
    const { longLines, firstLongLine } = this.#lines;
    this.#damage.add('long-lines', firstLongLine, '', longLines - this.#longLines);
    this.#longLines = longLines;
  }

  #writeEvent(view: DataView, at: number, event: EventSink): void {
    const label = LABELLED.has(event.kind) ? this.#parts.labels.of(event.name, event.callers) : 0;
    writeEvent(view, at, event, label);
    this.#parts.places.add(event.offset);
    this.#whole = null;
    if (this.#parts.labels.unnumbered > this.#unnumbered) this.#countUnnumbered(event.offset);
  }

  #countUnnumbered(offset: number): void {
    this.#damage.add('too-many-callers', offset);
    this.#unnumbered = this.#parts.labels.unnumbered;
  }

  #writeLoss(view: DataView, at: number): void {
    const loss = this.#waiting[this.#written++]!;
    writeEvent(view, at, {
      time: this.#lastTime,
      address: 0n,
      value: loss.count,
      kind: LOST,
      bit: 0xff,
      cpu: loss.cpu,
      pid: 0,
      flags: FLAGS['irqs-unknown'],
      type: 0,
    });
    this.#parts.places.add(loss.offset);
    if (this.#written < this.#ready) return;
    this.#waiting = [];
    this.#ready = 0;
    this.#written = 0;
  }
}
