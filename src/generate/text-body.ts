import { CONTENTION_FLAGS, E, SOFTIRQS, type TraceEvent } from './events.ts';
import { STEXT, symbolText } from './symbols.ts';
import { hexDigits, hexWord } from './word64.ts';

/** Who prints: the kernel's tracefs, or trace-cmd report 3.1 with its plugins. */
export type TextStyle = 'kernel' | 'report';

/** The fields of an event as one line of text, without the event's name. */
export function bodyText(event: TraceEvent, style: TextStyle): string {
  const { a, b, c, d, text, text2 } = event;
  const pointer = (value: number): string =>
    style === 'kernel' ? hexDigits(value).padStart(16, '0') : hexWord(value);
  const code = (value: number): string => symbolText(value, style === 'kernel') ?? hexWord(value);
  switch (event.type) {
    case E.lockAcquire:
      return `${pointer(a)} ${(b & 1) !== 0 ? 'try ' : ''}${(b & 2) !== 0 ? 'read ' : ''}${text}`;
    case E.lockContended:
    case E.lockAcquired:
    case E.lockRelease:
      return `${pointer(a)} ${text}`;
    case E.contentionBegin:
      return `${pointer(a)} (flags=${contentionFlags(b)})`;
    case E.contentionEnd:
      return `${pointer(a)} (ret=${b})`;
    case E.bitAcquire:
      return `addr=${hexWord(a)} bitnr=${b} ip=${code(c)}`;
    case E.bitContended:
      return `addr=${hexWord(a)} bitnr=${b} word_seen=${hexWord(d)} ip=${code(c)}`;
    case E.bitAcquired:
    case E.bitRelease:
      return `addr=${hexWord(a)} bitnr=${b} word_after=${hexWord(d)} ip=${code(c)}`;
    case E.wordLoad:
      return `addr=${hexWord(a)} value=${hexWord(b)}`;
    case E.wordStore:
      return `addr=${hexWord(a)} old=${hexWord(b)} value=${hexWord(c)}`;
    case E.irqDisable:
    case E.irqEnable:
    case E.preemptDisable:
    case E.preemptEnable:
      return `caller=${code(fromOffset(a))} parent=${code(fromOffset(b))}`;
    case E.irqHandlerEntry:
      return `irq=${a} name=${text}`;
    case E.irqHandlerExit:
      return `irq=${a} ret=${b === 0 ? 'unhandled' : 'handled'}`;
    case E.softirqRaise:
    case E.softirqEntry:
    case E.softirqExit:
      return `vec=${a} [action=${SOFTIRQS[a]}]`;
    case E.schedSwitch:
      return style === 'kernel'
        ? `prev_comm=${text} prev_pid=${a} prev_prio=120 prev_state=${stateText(b)} ==> ` +
            `next_comm=${text2} next_pid=${c} next_prio=120`
        : `${text}:${a} [120] ${stateLetter(b)} ==> ${text2}:${c} [120]`;
    case E.schedWakeup: {
      const cpu = String(b).padStart(3, '0');
      return style === 'kernel'
        ? `comm=${text} pid=${a} prio=120 target_cpu=${cpu}`
        : `${text}:${a} [120] CPU:${cpu}`;
    }
    case E.schedProcessExit:
      return `comm=${text} pid=${a} prio=120`;
    case E.hrtimerExpireEntry:
      return style === 'kernel'
        ? `hrtimer=${pointer(a)} function=${functionName(c)} now=${b}`
        : `hrtimer=${pointer(a)} now=${b} function=${functionName(c)}/0x0`;
    case E.hrtimerExpireExit:
      return `hrtimer=${pointer(a)}`;
    case E.console:
      return text;
    default:
      return `vector=${a}`;
  }
}

/** The address behind a preemptirq offset, which is cut to 32 bits: what is beyond the kernel's text is 0. */
function fromOffset(offset: number): number {
  return (offset | 0) === (-STEXT | 0) ? 0 : STEXT + offset;
}

function contentionFlags(flags: number): string {
  return CONTENTION_FLAGS.filter((_, bit) => (flags & (1 << bit)) !== 0).join('|');
}

const STATES = ['S', 'D', 'T', 't', 'X', 'Z', 'P', 'I'] as const;

/** A task state as sched_switch prints it: "S", "D", "R+". */
export function stateText(state: number): string {
  const letters = STATES.filter((_, bit) => (state & (1 << bit)) !== 0).join('|');
  return `${letters || 'R'}${(state & 0x100) !== 0 ? '+' : ''}`;
}

/** The letter of trace-cmd's sched_switch plugin, which still knows the states of older kernels. */
function stateLetter(state: number): string {
  return [...'SDTtZXxW'].find((_, bit) => (state & (1 << bit)) !== 0) ?? 'R';
}

function functionName(at: number): string {
  return (symbolText(at, false) ?? hexWord(at)).replace(/\+0x0$/, '');
}
