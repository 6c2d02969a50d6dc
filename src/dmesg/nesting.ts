import type { Incident, LogFrame } from '../model/kernel-log.ts';

type Nesting = Incident['nesting'][number];

const LONGEST_CYCLE = 8;

/** What repeated functions mean, by a function among them. */
const MEANINGS: readonly (readonly [functions: RegExp, says: (times: number) => string])[] = [
  [
    /^(?:clone_endio|dec_pending|dm_io_dec_pending|dm_end_request)$/,
    (times) =>
      `${times} nested device-mapper completions: stacked devices complete one inside of the other, which is what makes this stack deep`,
  ],
  [
    /^(?:__submit_bio\w*|generic_make_request\w*|submit_bio\w*|dm_(?:make_)?request\w*|dm_submit_bio)$/,
    (times) => `${times} nested submissions of block requests`,
  ],
  [
    /^(?:__?do_page_fault|exc_page_fault|do_user_addr_fault|handle_mm_fault)$/,
    (times) => `${times} nested page faults`,
  ],
  [
    /^(?:__netif_receive_skb\w*|netif_receive_skb\w*|dev_queue_xmit\w*|__dev_queue_xmit)$/,
    (times) => `${times} passes through stacked network devices`,
  ],
];

/** Functions that come again and again one inside of the other, twice or more in a row. */
export function nestingOf(stack: readonly LogFrame[]): Nesting[] {
  const names = stack.filter(({ reliable }) => reliable).map(({ function: name }) => name);
  const found: Nesting[] = [];
  for (let at = 0; at < names.length;) {
    const best = cycleAt(names, at);
    if (!best) {
      at++;
      continue;
    }
    const functions = names.slice(at, at + best.length);
    const meaning = functions
      .map((name) => MEANINGS.find(([pattern]) => pattern.test(name)))
      .find((row) => row !== undefined);
    found.push({
      functions,
      times: best.times,
      says: meaning ? meaning[1](best.times) : `${best.times} times ${functions.join(', ')}`,
    });
    at += best.length * best.times;
  }
  return found;
}

/** The cycle that covers the most frames from here on. */
function cycleAt(names: readonly string[], from: number): { length: number; times: number } | null {
  let best: { length: number; times: number } | null = null;
  for (let length = 1; length <= LONGEST_CYCLE; length++) {
    let times = 1;
    while (same(names, from, from + times * length, length)) times++;
    // A function twice in a row is recursion or an alias of the symbol table; three times is a pattern.
    if (times < (length === 1 ? 3 : 2)) continue;
    if (best === null || times * length > best.times * best.length) best = { length, times };
  }
  return best;
}

function same(names: readonly string[], a: number, b: number, length: number): boolean {
  if (b + length > names.length) return false;
  for (let i = 0; i < length; i++) if (names[a + i] !== names[b + i]) return false;
  return true;
}
