import { KINDS } from '../model/event.ts';
import type { Narrator, Told } from '../model/narrator.ts';
import type { Mark } from '../model/state.ts';
import { callSiteOf } from '../trace/callers.ts';
import type { Capture, EventRecord } from '../trace/capture.ts';

// "ip=fake_finish_bio+0x39", "caller=__schedule+0x1a9": the function that did it.
const CALL_SITE = /\b(?:ip|caller)=([A-Za-z_.$][\w.$]*)/;
const REMEMBERED = 4096;

/** Names for marks, read from the capture when a report asks. */
export class CaptureNarrator implements Narrator {
  readonly #capture: Capture;
  readonly #told = new Map<string, Told>();

  constructor(capture: Capture) {
    this.#capture = capture;
  }

  tell(mark: Mark): Told {
    const key = `${mark.lane}:${mark.offset}`;
    const known = this.#told.get(key);
    if (known) return known;
    const told = toldBy(this.#capture.record(mark), mark);
    if (this.#told.size >= REMEMBERED) this.#told.clear();
    this.#told.set(key, told);
    return told;
  }

  comm(pid: number): string | null {
    return this.#capture.comm(pid);
  }
}

function toldBy(record: EventRecord | null, mark: Mark): Told {
  if (!record) {
    return { event: KINDS[mark.kind] ?? 'other', text: '', comm: null, lockName: null, callSite: null };
  }
  const loaded = KINDS[mark.kind] === 'word store' ? numberField(record, 'old') : null;
  const name = record.type.system === 'lock' || record.type.system === '' ? textField(record, 'name') : null;
  return {
    event: record.type.name,
    text: record.text,
    comm: record.comm ?? null,
    lockName: name,
    callSite: CALL_SITE.exec(record.text)?.[1] ?? callSiteOf(record.callers ?? []),
    ...(loaded !== null && { loaded }),
  };
}

function textField(record: EventRecord, name: string): string | null {
  const value = record.fields.find((field) => field.name === name)?.value;
  return typeof value === 'string' && value !== '' ? value : null;
}

/** As unsigned 64 bits; null where the record has no such number. */
function numberField(record: EventRecord, name: string): bigint | null {
  const value = record.fields.find((field) => field.name === name)?.value;
  return typeof value === 'bigint' ? BigInt.asUintN(64, value) : null;
}

/** The message of a printk:console record, as it is. */
export function messageText(capture: Capture, mark: Mark): string {
  const record = capture.record(mark);
  if (!record) return '';
  return textField(record, 'msg') ?? record.text;
}
