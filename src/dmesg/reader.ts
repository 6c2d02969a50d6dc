import {
  newDump,
  type DumpDraft,
  type EntryDraft,
  type HeldDraft,
  type StructDraft,
  type TroubleDraft,
} from './drafts.ts';
import { addDumpLine, addHeader, dumpHeader, opensDump, type DumpState } from './dump-lines.ts';
import {
  addEntryLine,
  addLock,
  entryOf,
  hasLockChains,
  HELD,
  isOpenLock,
  lockLine,
  ownerLine,
  type Owner,
  type Expecting,
} from './entry-lines.ts';
import { recognise } from './headlines.ts';
import type { Layout, LogLine } from './lines/prefix.ts';
import { parseLine } from './lines/prefix.ts';
import type { RawLine } from './lines/raw-lines.ts';
import { StructReader } from './structs.ts';

const MOST_ENTRIES = 2000;
const MOST_DUMPS = 4000;
const MOST_HELD = 2000;
const MOST_TROUBLE = 64;

/** What one printing context (a caller id; all lines where there are none) is in the middle of. */
interface Stream extends DumpState {
  dump: DumpDraft | null;
  entry: EntryDraft | null;
  held: HeldDraft | null;
  expecting: Expecting;
  /** The beginning of a lock that goes on in the next line; '' for none. */
  openLock: string;
  /** Frames belong to a chain of locks. */
  inChain: boolean;
  /** CPU and task that a WARNING names in the line before the report. */
  warned: { cpu: number; pid: number; offset: number; ns: bigint | null } | null;
}

/** All that was found in a log, in its order. */
export interface Found {
  readonly entries: readonly EntryDraft[];
  readonly dumps: readonly DumpDraft[];
  readonly held: readonly HeldDraft[];
  readonly structs: readonly StructDraft[];
  readonly trouble: readonly TroubleDraft[];
  /** Offsets at which a kernel booted: nothing before has to do with anything after. */
  readonly boots: readonly number[];
  readonly kernel: string | null;
  readonly layout: readonly Layout[];
  readonly suppressed: Readonly<Record<string, number>>;
}

// kernel/panic.c up to v6.15: "WARNING: CPU: 23 PID: 4611 at kernel/watchdog.c:245 watchdog_overflow_callback+0x98/0xc0()"
const WARNING = /^WARNING: CPU: (\d+) PID: (\d+) at /;
const OWN_TIMER = /self-detected stall|BUG: soft lockup/;
const TROUBLE =
  /(?:^|\s)(?:Oops: |kernel BUG at |general protection fault|BUG: unable to handle |Unable to handle kernel |BUG: kernel NULL pointer|\[Hardware Error\]|Machine check events logged)/;
const CHAIN =
  /^(?:-> #\d+ |the existing dependency chain|which lock already depends|the (?:first|second) lock|\.\.\. which became|to a |the dependencies between|\{[A-Z-]+\} state was registered at|and this task is already holding|the shortest dependencies)/;
const CHAIN_END = /^(?:stack backtrace|other info that might help|Call [Tt]race)/;
/** A line that ends so goes on in the next one, which a mail program broke. */
const BROKEN_OFF =
  /(?:Comm:|[Tt]ainted:?|RIP: \w+:?(?:\[<[0-9a-f]+>\])?|\[<[0-9a-f]+>\]|\b[A-Z][A-Z0-9]{1,2}:|EFLAGS:|ORIG_RAX:|\?| from|^CPU: \d+ PID:(?: \d+)?|pc :|NIP|\{[\w.]+|^task:.{1,80}(?:state:\S|pid:))$/;

const SOFT_BREAK = /[^=\s-]=$/;

/** Reads the lines of a log. The state between lines is bounded, whatever the log. */
export class LogReader {
  readonly #streams = new Map<string, Stream>();
  readonly #entries: EntryDraft[] = [];
  readonly #dumps: DumpDraft[] = [];
  readonly #held: HeldDraft[] = [];
  readonly #trouble: TroubleDraft[] = [];
  readonly #boots: number[] = [];
  readonly #layout = new Set<Layout>();
  readonly #suppressed: Record<string, number> = {};
  readonly #structs = new StructReader();
  #kernel: string | null = null;
  #clock: 'boot' | 'wall' | null = null;
  #before: LogLine | null = null;
  #sawStamps = false;
  /** A line that goes on in the next one, and the line before it. */
  #softBreak: { readonly line: LogLine; readonly before: LogLine | null } | null = null;

  /** Takes the next line; true where it says something, so that what follows it is of interest too. */
  add(raw: RawLine): boolean {
    let line = parseLine(raw.text, raw.offset);
    const open = this.#softBreak;
    this.#softBreak = null;
    const joins = open !== null && raw.follows && !line.stamped;
    if (joins) line = { ...open.line, text: open.line.text.slice(0, -1) + line.text };
    else if (open !== null) this.#one(open.line, open.before);
    const before = joins ? open.before : this.#lineBefore(raw);
    // "=" at the end of a line is quoted-printable's soft break: the line goes on in the next one.
    if (SOFT_BREAK.test(line.text) && line.text.length < 2000) {
      this.#softBreak = { line, before };
      return true;
    }
    if (!raw.follows && before !== null) {
      this.#warning(this.#streamOf(before), { ...before, offset: raw.offset - raw.before.length - 1 });
    }
    return this.#one(line, before);
  }

  #lineBefore({ follows, before, offset }: RawLine): LogLine | null {
    if (follows) return this.#before;
    return before === '' ? null : parseLine(before, offset);
  }

  #one(given: LogLine, before: LogLine | null): boolean {
    if (given.stamped) this.#sawStamps = true;
    // The rest of a broken line was printed by whoever printed its beginning.
    const line = given.stamped || before === null ? given : { ...given, caller: before.caller };
    const used = this.#take(line, before);
    if (used) for (const name of line.layout) this.#layout.add(name);
    this.#before = line;
    return used;
  }

  found(): Found {
    return {
      entries: this.#entries,
      dumps: this.#dumps,
      held: this.#held,
      structs: this.#structs.found,
      trouble: this.#trouble,
      boots: this.#boots,
      kernel: this.#kernel,
      layout: [...this.#layout],
      suppressed: this.#suppressed,
    };
  }

  #take(line: LogLine, before: LogLine | null): boolean {
    const { text } = line;
    if (text === '') return false;
    if (this.#structs.add(text, line.offset)) return true;
    const boot = /^Linux version (\S+)/.exec(text);
    if (boot) {
      this.#kernel ??= boot[1]!;
      this.#boots.push(line.offset);
      this.#streams.clear();
      return false;
    }
    const stream = this.#streamOf(line);
    if (this.#headline(stream, line, text)) return true;
    // A line without a time, among lines that have one, continues the one before; so may any line where none has one.
    const continues = before !== null && before.text !== '' && (!line.stamped || !this.#sawStamps);
    if (continues) {
      const joined = join(before.text, text);
      if (
        recognise(before.text) === null &&
        this.#headline(stream, { ...before, offset: line.offset }, joined, before.text.length - 1)
      )
        return true;
      if (BROKEN_OFF.test(before.text) && this.#body(stream, { ...before, offset: line.offset }, joined))
        return true;
      this.#completeHeadline(stream, text);
    }
    return this.#body(stream, line, text);
  }

  #streamOf({ caller }: LogLine): Stream {
    const key = caller ?? '';
    let stream = this.#streams.get(key);
    if (stream === undefined) {
      if (this.#streams.size >= 4096) this.#streams.clear();
      stream = {
        dump: null,
        entry: null,
        held: null,
        expecting: null,
        openLock: '',
        inChain: false,
        warned: null,
        inNmi: false,
        codeOpen: false,
        inTrace: false,
      };
      this.#streams.set(key, stream);
    }
    return stream;
  }

  /** Takes a headline; one that was joined from two lines counts only where it needs both: it runs across `seam`. */
  #headline(stream: Stream, line: LogLine, text: string, seam: number | null = null): boolean {
    const owner = ownerLine(text);
    if (owner && seam === null && this.#addOwner(owner)) {
      stream.dump = null;
      return true;
    }
    const found = recognise(text);
    if (!found || (seam !== null && (found.from >= seam || found.to <= seam))) return false;
    if (found.headline.detail && continuesReport(stream.entry, found.headline.kind, line.offset)) return true;
    // A WARNING's first line is the beginning of the report that its second line names.
    const { warned } = stream;
    const begins =
      warned !== null && line.offset - warned.offset < 400 && found.headline.kind !== 'lockdep-internal'
        ? warned
        : null;
    const entry = entryOf(found, begins?.offset ?? line.offset, this.#time(line));
    entry.begins = begins?.ns ?? entry.ns;
    // Timer interrupts print as "C3"; these two are found by the CPU's own timer.
    if (OWN_TIMER.test(text) && line.caller?.startsWith('C')) entry.cpu ??= Number(line.caller.slice(1));
    if (begins !== null && (entry.cpu === null || entry.cpu === begins.cpu)) entry.pid ??= begins.pid;
    if (owner) entry.holder = holderOf(owner);
    if (this.#entries.length < MOST_ENTRIES) this.#entries.push(entry);
    else this.#suppressed[entry.headline.kind] = (this.#suppressed[entry.headline.kind] ?? 0) + 1;
    Object.assign(stream, {
      entry,
      dump: null,
      held: null,
      expecting: null,
      openLock: '',
      inChain: false,
      warned: null,
      inNmi: false,
      inTrace: false,
    });
    return true;
  }

  /** Who likely owns what a task that was reported waits for; false where no report of that task is known. */
  #addOwner(owner: Owner): boolean {
    const waiter = this.#entries.findLast(
      ({ pid, headline }) => headline.kind === 'hung-task' && pid === owner.waiter,
    );
    if (!waiter) return false;
    waiter.holder ??= holderOf(owner);
    return true;
  }

  /** "[comm:pid]" that was broken off a soft lockup's headline. */
  #completeHeadline({ entry }: Stream, text: string): void {
    if (entry?.headline.kind !== 'soft-lockup' || entry.pid !== null || entry.dumps.length > 0) return;
    const match = /^(?:for \d+s! ?|\d+s! ?)?\[(.{0,64}):(\d+)\]/.exec(text);
    if (!match) return;
    entry.comm = match[1]!;
    entry.pid = Number(match[2]);
  }

  #body(stream: Stream, line: LogLine, text: string): boolean {
    if (this.#warning(stream, line)) return true;
    if (TROUBLE.test(text)) {
      if (this.#trouble.length < MOST_TROUBLE) {
        this.#trouble.push({ offset: line.offset, ns: this.#time(line), text: text.slice(0, 200) });
      }
      stream.entry = null;
      stream.dump = null;
      return true;
    }
    const header = dumpHeader(text);
    if (header && (header.opened !== 'cpu-line' || header.pid !== null || stream.entry !== null)) {
      if (opensDump(header, stream.dump)) this.#open(stream, header.opened, line);
      addHeader(stream.dump!, header);
      this.#kernel ??= header.kernel;
      stream.inChain = false;
      return true;
    }
    if (stream.openLock !== '' || (stream.entry !== null && hasLockChains(stream.entry.headline.kind))) {
      const whole = `${stream.openLock}${text}`;
      const isOpen = isOpenLock(whole);
      stream.openLock = isOpen ? whole : '';
      if (isOpen) return true;
      if (lockLine(whole) !== null) text = whole;
    }
    if (this.#heldLine(stream, line, text)) return true;
    if (stream.entry !== null) {
      const { used, next } = addEntryLine(stream.entry, text, stream.expecting);
      stream.expecting = next;
      if (used) return true;
      if (hasLockChains(stream.entry.headline.kind)) {
        if (CHAIN.test(text)) stream.inChain = true;
        else if (CHAIN_END.test(text)) stream.inChain = false;
      }
    }
    if (stream.inChain) return true;
    return this.#dumpLine(stream, line, text);
  }

  #warning(stream: Stream, line: LogLine): boolean {
    const warning = WARNING.exec(line.text);
    if (!warning) return false;
    stream.warned = {
      cpu: Number(warning[1]),
      pid: Number(warning[2]),
      offset: line.offset,
      ns: this.#time(line),
    };
    stream.dump = null;
    return true;
  }

  #heldLine(stream: Stream, line: LogLine, text: string): boolean {
    const holder = HELD.exec(text);
    if (holder) {
      stream.held = {
        offset: line.offset,
        ns: this.#time(line),
        comm: holder[1]!,
        pid: Number(holder[2]),
        locks: [],
      };
      if (this.#held.length < MOST_HELD) this.#held.push(stream.held);
      // Suspicious RCU use names its task here first.
      if (stream.entry?.headline.kind === 'lockdep-rcu' && stream.entry.dumps.length === 0) {
        stream.entry.comm ??= stream.held.comm;
        stream.entry.pid ??= stream.held.pid;
      }
      return true;
    }
    if (stream.held === null) return false;
    const lock = text.startsWith('#') ? lockLine(text) : null;
    if (lock === null) {
      if (text.startsWith('#')) return true;
      stream.held = null;
      return false;
    }
    addLock(stream.held.locks, lock, 48);
    return true;
  }

  #dumpLine(stream: Stream, line: LogLine, text: string): boolean {
    const scratch = stream.dump ?? newDump('trace', line.offset, this.#time(line));
    if (!addDumpLine(scratch, text, stream)) return false;
    // Frames without any header belong to the report before them, if there is one.
    const says = scratch.frames.length > 0 || scratch.pc !== null || scratch.pid !== null;
    if (stream.dump === null && stream.entry !== null && says) {
      this.#keep(stream, scratch);
    }
    return stream.dump !== null || stream.entry !== null;
  }

  #open(stream: Stream, opened: DumpDraft['opened'], line: LogLine): void {
    stream.inNmi = false;
    stream.codeOpen = false;
    stream.inTrace = false;
    this.#keep(stream, newDump(opened, line.offset, this.#time(line)));
  }

  #keep(stream: Stream, dump: DumpDraft): void {
    stream.dump = dump;
    if (this.#dumps.length >= MOST_DUMPS) {
      this.#suppressed['nmi-backtrace'] = (this.#suppressed['nmi-backtrace'] ?? 0) + 1;
      return;
    }
    this.#dumps.push(dump);
    if (stream.entry !== null && stream.entry.dumps.length < 64) stream.entry.dumps.push(dump);
  }

  /** Boot time where the log has it; one clock for the whole log. */
  #time({ bootNs, wallNs }: LogLine): bigint | null {
    this.#clock ??= bootNs !== null ? 'boot' : wallNs !== null ? 'wall' : null;
    return this.#clock === 'wall' ? wallNs : bootNs;
  }
}

function holderOf({ comm, pid, what }: Owner): NonNullable<EntryDraft['holder']> {
  return { comm, pid, why: `hung_task says that it is likely the owner of the ${what}` };
}

/** The second line of a report comes soon behind its first. */
function continuesReport(
  entry: EntryDraft | null,
  kind: EntryDraft['headline']['kind'],
  offset: number,
): boolean {
  return entry?.headline.kind === kind && offset - entry.offset < 4096;
}

/** Puts together what a mail program broke: at a space, or behind the "=" of quoted-printable. */
function join(before: string, text: string): string {
  return before.endsWith('=') ? before.slice(0, -1) + text : `${before} ${text}`;
}
