/** A line of the log without what others put in front of it. */
export interface LogLine {
  readonly offset: number;
  /** The message, without white space around it. */
  readonly text: string;
  /** Nanoseconds since boot as the kernel printed them. */
  readonly bootNs: bigint | null;
  /** Nanoseconds since 1970, where the line has the wall clock's time with its year. */
  readonly wallNs: bigint | null;
  /** "T123" or "C3": the task or CPU that printed the line (CONFIG_PRINTK_CALLER, since 5.1). */
  readonly caller: string | null;
  /** The line begins with some time: a line without one, among lines that have it, continues the one before. */
  readonly stamped: boolean;
  readonly layout: readonly Layout[];
}

export type Layout =
  | '[seconds]'
  | '[wall clock]'
  | '[+delta]'
  | 'caller id'
  | 'quoted mail'
  | 'syslog'
  | '/dev/kmsg'
  | 'console level'
  | 'other prefix'
  | 'bare';

// eslint-disable-next-line no-control-regex -- escape sequences begin with a control character
const ANSI = /\u001b\[[0-9;?]*[A-Za-z]|\u001b[()][A-Z0-9]/g;
const ENTITIES: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  '#39': "'",
  nbsp: ' ',
};

// "> > [ 12.3] ...", "| [12.3]", "```[12.3]"
const QUOTE = /^(?:\s{0,8}(?:> ?|\|(?=[\s|])))+/;
// A line within a pair of them is a line of a log, words in front of others are somebody's talk.
const FENCE = /^\s*(?:`{2,3}|`(?=[^`]*`?$))/;
// /dev/kmsg and extended netconsole: "6,1234,5678901,-,caller=T1;text" (Documentation/ABI/testing/dev-kmsg)
const KMSG = /^(\d{1,4}),(\d{1,12}),(\d{1,16}),([^;]{0,120});/;
// the same behind the date and host of the syslog daemon that took it from the net
const KMSG_BY_SYSLOG =
  /^[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d \S{1,80} (?=\d{1,4},\d{1,12},\d{1,16},[^;]{0,120};)/;
// "<4>", "<4>1 " (RFC 5424)
const LEVEL = /^<\d{1,3}>(?:1 )?/;
// dmesg -x: "kern  :err   : "
const DECODED =
  /^(?:kern|user|mail|daemon|auth|syslog|lpr|news)\s*:(?:emerg|alert|crit|err|warn|notice|info|debug)\s*: ?/;
// "[ 1234.567890]", dmesg -d: "[ 1234.567890 <    0.000012>]"; 2.6.x printk_time and ramoops have the same form;
// nine digits: times of a trace
const SECONDS = /\[ {0,8}(\d{1,12})\.(\d{6}|\d{9})(?: ?< {0,8}\d{1,8}\.\d{6}>)?\]/;
/** How far into a line the kernel's own time is looked for. */
const PREFIX_LIMIT = 140;
// "[    T1]", "[   C3]"; some kernels print a space before
const CALLER = /^ ?\[ {0,6}([TC]\d{1,10})\]/;
// MediaTek: "(0)[123:comm]", " <1>-(1)[0:swapper/1]"; Samsung and others: " [0:   comm:  123]", "[c0]", " [cpuid: 0, comm: x]"
const VENDOR =
  /^\s?(?:(?:<\d>[.-])?\(\d{1,3}\)\[(\d{1,8}):[^\]]{0,40}\]|\[\d{1,3}: *[^\]:]{1,20}: *(\d{1,8})\])/;
// dmesg -H: "[  +0.000007]", "[Oct 8 07:46]"
const DELTA = /^\[ {0,6}\+\d{1,8}\.\d{6}\] ?/;
const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec';
const DAY =
  /^\[(?:[A-Z][a-z]{2} )?([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(?: (\d{4}))?\] ?/;
// ISO times, of dmesg --time-format iso, rsyslog, containers and CI machines
const ISO = /^\[?(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d)?\]?:?\s?/;
// RFC 3164: "Oct 11 05:39:13 "; bare "05:39:13.123 " of serial loggers
const SYSLOG_DATE =
  /^(?:[A-Z][a-z]{2} {1,2}\d{1,2} (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d+)?|\[?\d\d:\d\d:\d\d(?:[.,]\d+)?\]?) /;
// behind a date: "host kernel: ", "host.example.com kernel[0]: ", "kernel: "; "host kernel - - - " of RFC 5424
const KERNEL_TAG =
  /^\s?(?:\S{1,80}\s+){0,3}?(?:kernel|klogd|\(kernel\)|vmunix)(?:\[[\d.]*\]|\/\d)?(?::| - - -)\s?/;
// "Message from syslogd@host" puts it at the beginning of the line
const BARE_TAG = /^\s{0,4}kernel: ?/;

const SECOND = 1_000_000_000n;

/** Splits a raw line into the kernel's message and what loggers, terminals and mail programs put around it. */
export function parseLine(raw: string, offset: number): LogLine {
  const layout: Layout[] = [];
  let text = raw;
  let bootNs: bigint | null = null;
  let wallNs: bigint | null = null;
  let caller: string | null = null;

  if (text.includes('\u001b')) text = text.replace(ANSI, '');
  if (text.includes('&'))
    text = text.replace(/&(lt|gt|amp|quot|#39|nbsp);/g, (_, name: string) => ENTITIES[name]!);
  // A tab as rsyslog and as dmesg(1) escape it.
  if (text.includes('#01')) text = text.replaceAll('#011', '\t').replaceAll('#012', ' ');
  if (text.includes('\\x09')) text = text.replaceAll('\\x09', '\t');
  text = text.trimEnd().replace(/^\r+/, '');
  // Quoted-printable.
  if (text.includes('=3D') || text.includes('=20'))
    text = text.replaceAll('=3D', '=').replaceAll('=20', ' ').trimEnd();
  take(QUOTE, 'quoted mail');
  take(FENCE, null);

  take(KMSG_BY_SYSLOG, 'syslog');
  const record = take(KMSG, '/dev/kmsg');
  if (record) {
    bootNs = BigInt(record[3]!) * 1000n;
    caller = /caller=([TC]\d+)/.exec(record[4]!)?.[1] ?? null;
  }
  text = text.replace(/^[ \t]+(?=[<[])/, '');
  take(LEVEL, 'console level');
  take(DECODED, null);
  const stamp = record === null ? SECONDS.exec(text.slice(0, PREFIX_LIMIT)) : null;
  if (stamp) {
    const before = text.slice(0, stamp.index);
    if (before.trim() !== '')
      layout.push(/kernel|^[A-Z][a-z]{2} [ \d]\d \d\d:/.test(before) ? 'syslog' : 'other prefix');
    layout.push('[seconds]');
    bootNs = BigInt(stamp[1]!) * SECOND + BigInt(stamp[2]!.padEnd(9, '0'));
    text = text.slice(stamp.index + stamp[0].length);
  } else if (record === null) {
    takeDates();
  }
  const id = CALLER.exec(text);
  if (id) {
    caller = id[1]!;
    layout.push('caller id');
    text = text.slice(id[0].length);
  }
  const vendor = VENDOR.exec(text);
  if (vendor && stamp) {
    caller ??= `T${vendor[1] ?? vendor[2]}`;
    text = text.slice(vendor[0].length);
  }
  // XenServer: "[41819967.871466]  EMERG: text"
  if (stamp) text = text.replace(/^ {1,3}(?:EMERG|ALERT|CRIT|WARN|NOTICE|DEBUG): /, '');
  // journalctl -o short-monotonic: "[12.345678] host kernel: text"
  if (stamp && text.slice(0, PREFIX_LIMIT).includes('kernel')) {
    const tag = /^ \S{1,80} kernel(?:\[\d*\])?: ?/.exec(text);
    if (tag) text = text.slice(tag[0].length);
  }
  const stamped =
    bootNs !== null || wallNs !== null || layout.includes('syslog') || layout.includes('[+delta]');
  if (layout.length === 0) layout.push('bare');
  return { offset, text: text.trim(), bootNs, wallNs, caller, stamped, layout };

  /** Takes what `pattern` matches off the beginning. */
  function take(pattern: RegExp, name: Layout | null): RegExpExecArray | null {
    const match = pattern.exec(text);
    if (match === null) return null;
    text = text.slice(match[0].length);
    if (name !== null) layout.push(name);
    return match;
  }

  function takeDates(): void {
    if (take(DELTA, '[+delta]')) return;
    const day = take(DAY, '[wall clock]');
    if (day) {
      wallNs = wallTime(day[6], monthOf(day[1]!), day[2]!, day[3]!, day[4]!, day[5] ?? '0', '0');
      return;
    }
    const iso = take(ISO, '[wall clock]');
    if (iso) {
      wallNs = wallTime(iso[1], Number(iso[2]), iso[3]!, iso[4]!, iso[5]!, iso[6]!, iso[7] ?? '0');
      take(KERNEL_TAG, 'syslog');
    } else if (take(SYSLOG_DATE, 'syslog')) {
      take(KERNEL_TAG, null);
    } else {
      take(BARE_TAG, 'syslog');
    }
  }
}

function monthOf(name: string): number {
  return MONTHS.indexOf(name) / 3 + 1;
}

/** The time zone is left out: only differences within one log are used. */
function wallTime(
  year: string | undefined,
  month: number,
  day: string,
  hour: string,
  minute: string,
  second: string,
  fraction: string,
): bigint | null {
  if (year === undefined || !Number.isInteger(month) || month < 1) return null;
  const ms = Date.UTC(Number(year), month - 1, Number(day), Number(hour), Number(minute), Number(second));
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9));
}
