import {
  INFO_SCHEMA,
  REPORT_SCHEMA,
  type CpuSummary,
  type Finding,
  type HistogramData,
  type Info,
  type Problem,
  type Report,
  type Stats,
  type TraceSummary,
} from '../../src/model/report.ts';

// Hand-made reports with the facts of real captures. They show what a report looks like, not what the analyzers
// find today: the golden reports of the captures themselves live elsewhere.

const KERNEL = 'Linux (none) 6.12.117-bitlock x86_64';

function histogram(count: number, sumNs: number, minNs: number, maxNs: number): HistogramData {
  return {
    precisionBits: 5,
    count,
    sumNs: String(sumNs),
    minNs,
    maxNs,
    buckets: count === 0 ? [] : [[100, count]],
  };
}

const EMPTY = histogram(0, 0, 0, 0);

function cpu(
  number: number,
  firstNs: string,
  lastNs: string,
  events: number,
  lost: number | null = 0,
  breaks = 0,
): CpuSummary {
  return { cpu: number, firstNs, lastNs, events, lost, breaks };
}

function stats(parts: Partial<Stats>): Stats {
  return {
    events: [],
    locks: { live: 0, peak: 0, forgotten: 0, acquisitions: 0, contentions: 0, releases: 0 },
    suppressed: {},
    engine: {},
    waitNs: EMPTY,
    holdNs: EMPTY,
    irqsOffNs: EMPTY,
    ...parts,
  };
}

function report(trace: TraceSummary, findings: readonly Finding[], parts: Partial<Stats>): Report {
  return {
    schema: REPORT_SCHEMA,
    spinback: '0.1.0',
    trace,
    thresholds: { watchdogNs: 10e9, spinNs: 1e9, irqOffNs: 1e9 },
    findings,
    kernelReports: [],
    stats: stats(parts),
  };
}

/** A finding in which everything is absent that can be. */
export function finding(parts: Partial<Finding> & Pick<Finding, 'id' | 'kind' | 'cause'>): Finding {
  return {
    signature: `${parts.kind} ${parts.cause}`,
    confidence: 'possible',
    severity: 'low',
    headline: `${parts.kind}: ${parts.cause}`,
    subject: null,
    lock: null,
    startNs: '0',
    durationNs: 0,
    openEnded: false,
    holder: null,
    lastAcquire: null,
    lastRelease: null,
    culprit: null,
    waiters: [],
    irqsOff: null,
    watchdog: null,
    alternatives: [],
    kernelReports: [],
    evidence: [],
    taintedBy: [],
    related: [],
    ...parts,
  };
}

function erased(id: string, address: string, storeNs: string, loadNs: string, value: string): Finding {
  return finding({
    id,
    kind: 'lost-update',
    cause: 'bit-erased',
    severity: 'medium',
    signature: 'lost-update bit-erased word_store',
    headline: `fake_map-107's plain store on CPU 2 erased bit 4 of ${address} at ${storeNs.slice(0, 2)}.${storeNs.slice(2)}`,
    subject: { cpu: 2, pid: 107, comm: 'fake_map', context: 'process' },
    lock: { namespace: 'bit', address, bit: 4, name: null, class: null, knownBy: 'operations' },
    startNs: storeNs,
    culprit: { cpu: 2, pid: 107, comm: 'fake_map', loadNs, storeNs, value },
  });
}

const BHRACE_LOCK = '0xffff888104ef4380';
const FIELDS = `addr=${BHRACE_LOCK} bitnr=4`;

/** The race: an unlock lost to a stale plain store, everything on record. */
export const bhrace1: Report = report(
  {
    path: 'bhrace-1.dat',
    format: 'trace.dat v7',
    clock: 'mono',
    timeUnit: 'ns',
    kernel: KERNEL,
    cpus: 4,
    events: 3275224,
    startNs: '27459928623',
    endNs: '77336833604',
    perCpu: [
      cpu(0, '34319881389', '77336833604', 823486, 269945),
      cpu(1, '31764647254', '77336795708', 834021, null),
      cpu(2, '40917542251', '77332460732', 816402, 955947),
      cpu(3, '27459928623', '63161338621', 801315, 400042),
    ],
    problems: [
      {
        name: 'overrun',
        severity: 'data loss',
        text: 'the ring buffer wrapped: the oldest events were overwritten; record with a larger buffer (trace-cmd -b)',
        count: 4,
        offset: null,
      },
    ],
  },
  [
    finding({
      id: 'F1',
      kind: 'never-released',
      cause: 'lost-unlock',
      confidence: 'certain',
      severity: 'critical',
      signature: 'never-released lost-unlock fake_finish_bio word_store',
      headline:
        `bit 4 of ${BHRACE_LOCK} was released and put back by a plain store of fake_map-107; ` +
        'fake_endio-108 spins on CPU 3',
      subject: { cpu: 3, pid: 108, comm: 'fake_endio', context: 'process' },
      lock: {
        namespace: 'bit',
        address: BHRACE_LOCK,
        bit: 4,
        name: null,
        class: null,
        knownBy: 'operations',
      },
      startNs: '47340668709',
      durationNs: 29996164895,
      openEnded: true,
      lastAcquire: { cpu: 3, pid: 108, comm: 'fake_endio', atNs: '47340662843' },
      lastRelease: { cpu: 3, pid: 108, comm: 'fake_endio', atNs: '47340667219' },
      culprit: {
        cpu: 2,
        pid: 107,
        comm: 'fake_map',
        loadNs: '47340665137',
        storeNs: '47340668709',
        value: '0x131',
      },
      waiters: [
        {
          cpu: 3,
          pid: 108,
          comm: 'fake_endio',
          sinceNs: '47348858614',
          durationNs: 29987974990,
          irqsOff: true,
        },
      ],
      irqsOff: { source: 'preemptirq', notBeforeNs: '47348855548', notAfterNs: '47348855548' },
      watchdog: {
        thresholdNs: 10e9,
        hard: 'must',
        soft: 'cannot',
        firesFromNs: '53348855548',
        firesToNs: '71348855548',
      },
      kernelReports: [{ ns: '62313023963', text: 'watchdog: Watchdog detected hard LOCKUP on cpu 3\n' }],
      evidence: [
        {
          ns: '47340662843',
          cpu: 3,
          pid: 108,
          comm: 'fake_endio',
          event: 'bit_spin_acquired',
          detail: `${FIELDS} word_after=0x131 ip=fake_finish_bio+0x39 -- the last take`,
        },
        {
          ns: '47340665137',
          cpu: 2,
          pid: 107,
          comm: 'fake_map',
          event: 'word_load',
          detail: `addr=${BHRACE_LOCK} value=0x131 -- bit 4 is set in what it loads`,
        },
        {
          ns: '47340667219',
          cpu: 3,
          pid: 108,
          comm: 'fake_endio',
          event: 'bit_spin_release',
          detail: `${FIELDS} word_after=0x21 ip=fake_finish_bio+0x60 -- the unlock was done: bit 4 is clear`,
        },
        {
          ns: '47340668709',
          cpu: 2,
          pid: 107,
          comm: 'fake_map',
          event: 'word_store',
          detail: `addr=${BHRACE_LOCK} old=0x131 value=0x131 -- puts bit 4 back`,
        },
        {
          ns: '47348855548',
          cpu: 3,
          pid: 108,
          comm: 'fake_endio',
          event: 'irq_disable',
          detail: 'caller=fake_finish_bio+0x17 parent=0x0',
        },
        {
          ns: '47348858614',
          cpu: 3,
          pid: 108,
          comm: 'fake_endio',
          event: 'bit_spin_acquire',
          detail: `${FIELDS} ip=fake_finish_bio+0x39 -- never ends`,
        },
        {
          ns: '47349082255',
          cpu: 3,
          pid: 108,
          comm: 'fake_endio',
          event: 'bit_spin_contended',
          detail: `${FIELDS} word_seen=0x131 ip=fake_finish_bio+0x39 -- bit 4 is set, and no take is recorded since the store`,
        },
      ],
      related: ['F2'],
    }),
    finding({
      id: 'F2',
      kind: 'irq-off-spin',
      cause: 'unknown-holder',
      confidence: 'certain',
      severity: 'critical',
      signature: 'irq-off-spin unknown-holder fake_finish_bio',
      headline: `fake_endio-108 spins with interrupts off on CPU 3 on bit 4 of ${BHRACE_LOCK}, 29.988 s`,
      subject: { cpu: 3, pid: 108, comm: 'fake_endio', context: 'process' },
      lock: {
        namespace: 'bit',
        address: BHRACE_LOCK,
        bit: 4,
        name: null,
        class: null,
        knownBy: 'operations',
      },
      startNs: '47348858614',
      durationNs: 29987974990,
      openEnded: true,
      irqsOff: { source: 'preemptirq', notBeforeNs: '47348855548', notAfterNs: '47348855548' },
      related: ['F1'],
    }),
    erased('F3', '0xffff888104ef4780', '45438473976', '45438470101', '0x21'),
    erased('F4', '0xffff888104ef4780', '46168376159', '46168372290', '0x21'),
    erased('F5', '0xffff888100a34f80', '46910255491', '46910251602', '0x121'),
  ],
  {
    events: [
      { event: 'lock:lock_acquire', count: 909629 },
      { event: 'lock:lock_release', count: 909628 },
    ],
    locks: {
      live: 217,
      peak: 3120,
      forgotten: 0,
      acquisitions: 337898,
      contentions: 11571,
      releases: 919906,
    },
    waitNs: histogram(11570, 412_000_000, 812, 14_204_118),
    holdNs: histogram(337897, 9_000_000_000, 310, 212_000_000),
    irqsOffNs: histogram(300910, 3_000_000_000, 240, 2_125_211_919),
  },
);

/** A forgotten unlock: the task returned, and exited, with the lock held. */
export const missingUnlock: Report = report(
  {
    path: 'missing-unlock.dat',
    format: 'trace.dat v7 (zstd)',
    clock: 'mono',
    timeUnit: 'ns',
    kernel: KERNEL,
    cpus: 4,
    events: 439794,
    startNs: '12951663289',
    endNs: '53788908148',
    perCpu: [
      cpu(0, '12953832720', '53788908148', 183196),
      cpu(1, '12958886143', '53788841193', 78638),
      cpu(2, '12959129414', '53788404110', 125122),
      cpu(3, '12951663289', '38755932700', 52838),
    ],
    problems: [],
  },
  [
    finding({
      id: 'F1',
      kind: 'never-released',
      cause: 'missing-unlock',
      confidence: 'certain',
      severity: 'critical',
      signature: 'never-released missing-unlock fake_submit_bh',
      headline:
        'fake_submit-110 took the lock on CPU 2 at 15.208635400 and exited at 15.219000463 without releasing it.',
      subject: { cpu: 3, pid: 111, comm: 'fake_endio', context: 'process' },
      lock: {
        namespace: 'bit',
        address: '0xffff888104abf780',
        bit: 4,
        name: null,
        class: null,
        knownBy: 'operations',
      },
      startNs: '15208635400',
      durationNs: 38580272748,
      openEnded: true,
      holder: { cpu: 2, pid: 110, comm: 'fake_submit', atNs: '15208635400' },
      lastAcquire: { cpu: 2, pid: 110, comm: 'fake_submit', atNs: '15208635400' },
      lastRelease: { cpu: 2, pid: 110, comm: 'fake_submit', atNs: '15200914843' },
      waiters: [
        {
          cpu: 3,
          pid: 111,
          comm: 'fake_endio',
          sinceNs: '15225886822',
          durationNs: 38563021326,
          irqsOff: true,
        },
      ],
      irqsOff: { source: 'preemptirq', notBeforeNs: '15225879017', notAfterNs: '15225879017' },
      watchdog: {
        thresholdNs: 10e9,
        hard: 'must',
        soft: 'cannot',
        firesFromNs: '21225879017',
        firesToNs: '39225879017',
      },
      alternatives: [
        {
          cause: 'lost-unlock',
          confidence: 'possible',
          why: 'an unlock and a store that no event recorded; nothing in the capture speaks for it',
        },
      ],
      kernelReports: [
        { ns: '15209493936', text: 'BUG: scheduling while atomic: fake_submit/110/0x00000002' },
        { ns: '38744732903', text: 'watchdog: Watchdog detected hard LOCKUP on cpu 3' },
      ],
      evidence: [
        {
          ns: '15208635400',
          cpu: 2,
          pid: 110,
          comm: 'fake_submit',
          event: 'bit_spin_acquired',
          detail: 'addr=0xffff888104abf780 bitnr=4 word_after=0x131 ip=fake_submit_bh+0x27 -- never released',
        },
        {
          ns: '15219000463',
          cpu: 2,
          pid: 110,
          comm: 'fake_submit',
          event: 'sched_process_exit',
          detail: 'comm=fake_submit pid=110 prio=120 -- the holder exits',
        },
        {
          ns: '15225879017',
          cpu: 3,
          pid: 111,
          comm: 'fake_endio',
          event: 'irq_disable',
          detail: 'caller=fake_finish_bio+0x17 parent=0x0',
        },
        {
          ns: '15225886822',
          cpu: 3,
          pid: 111,
          comm: 'fake_endio',
          event: 'bit_spin_acquire',
          detail: 'addr=0xffff888104abf780 bitnr=4 ip=fake_finish_bio+0x39 -- never ends',
        },
        {
          ns: '15225894883',
          cpu: 3,
          pid: 111,
          comm: 'fake_endio',
          event: 'bit_spin_contended',
          detail: 'addr=0xffff888104abf780 bitnr=4 word_seen=0x931 ip=fake_finish_bio+0x39',
        },
      ],
    }),
  ],
  {
    locks: { live: 12, peak: 140, forgotten: 0, acquisitions: 4204, contentions: 27, releases: 4203 },
    waitNs: histogram(26, 21_000_000, 900, 3_340_112),
    holdNs: histogram(4203, 90_000_000, 2100, 9_400_000),
    irqsOffNs: histogram(204878, 4_500_000_000, 240, 29_821_404),
  },
);

/** The race through the eyes of an unpatched kernel: a CPU that goes silent. */
export const stock: Report = report(
  {
    path: 'stock.dat',
    format: 'trace.dat v7 (zstd)',
    clock: 'mono',
    timeUnit: 'ns',
    kernel: KERNEL,
    cpus: 4,
    events: 119151,
    startNs: '16724509250',
    endNs: '54276989675',
    perCpu: [
      cpu(0, '16734423069', '54276388764', 30801),
      cpu(1, '16729281789', '54276989675', 26119),
      cpu(2, '16724595944', '54276396725', 41795),
      cpu(3, '16724509250', '39235113868', 20436),
    ],
    problems: [],
  },
  [
    finding({
      id: 'F1',
      kind: 'silent-cpu',
      cause: 'unknown',
      confidence: 'likely',
      severity: 'critical',
      signature: 'silent-cpu unknown',
      headline: 'CPU 3 fell silent at 24.325585279 under fake_endio-128 and stayed so for 29.951 s',
      subject: { cpu: 3, pid: 128, comm: 'fake_endio', context: 'process' },
      startNs: '24325585279',
      durationNs: 29951404396,
      openEnded: true,
      irqsOff: { source: 'flags', notBeforeNs: '24325504174', notAfterNs: null },
      watchdog: {
        thresholdNs: 10e9,
        hard: 'must',
        soft: 'may',
        firesFromNs: '30325585279',
        firesToNs: '48325585279',
      },
      alternatives: [
        {
          cause: 'offline',
          confidence: 'possible',
          why: 'the CPU was taken offline; cpuhp events would tell, and the NMI backtrace that printed from it speaks against it',
        },
      ],
      kernelReports: [
        { ns: '39213578214', text: 'watchdog: Watchdog detected hard LOCKUP on cpu 3' },
        { ns: '39230982478', text: 'RIP: 0010:bitlock_traced_lock+0x199/0x1d1' },
        { ns: '39231612152', text: 'RSP: 0018:ffff8881067bbe98 EFLAGS: 00000087' },
        { ns: '39232206645', text: 'RAX: 0000000000000000 RBX: 0000000000000004 RCX: 0000000000000131' },
        { ns: '39232318293', text: 'R13: ffff8881034ed500 R14: 0000000000000001 R15: 0000000000000004' },
      ],
      evidence: [
        {
          ns: '24325450664',
          cpu: 3,
          pid: 0,
          comm: '<idle>',
          event: 'hrtimer_expire_entry',
          detail:
            'hrtimer=0xffff8881067bbe50 now=24325443932 function=hrtimer_wakeup/0x0 -- the last timer; before it one every 1.1 ms',
        },
        {
          ns: '24325585279',
          cpu: 3,
          pid: 0,
          comm: '<idle>',
          event: 'sched_switch',
          detail: 'swapper/3:0 [120] R ==> fake_endio:128 [120] -- the last event of its own',
        },
        {
          ns: '39219254795',
          cpu: 3,
          pid: 128,
          comm: 'fake_endio',
          event: 'console',
          detail: 'NMI backtrace for cpu 3 -- printed from an NMI',
        },
      ],
    }),
  ],
  {
    locks: { live: 0, peak: 4, forgotten: 0, acquisitions: 0, contentions: 8180, releases: 0 },
    waitNs: histogram(8176, 900_000_000, 2100, 31_000_000),
  },
);

/** Healthy file system work. */
export const healthy: Report = report(
  {
    path: 'ext4-dm-1k.small.dat',
    format: 'trace.dat v7',
    clock: 'local',
    timeUnit: 'ns',
    kernel: KERNEL,
    cpus: 4,
    events: 23803,
    startNs: '17304868766',
    endNs: '17411645956',
    perCpu: [
      cpu(0, '17306460091', '17411335863', 8313),
      cpu(1, '17304868766', '17411643071', 6373),
      cpu(2, '17305004469', '17411645956', 5137),
      cpu(3, '17306168470', '17410324640', 3980),
    ],
    problems: [],
  },
  [],
  {
    locks: { live: 31, peak: 402, forgotten: 0, acquisitions: 2012, contentions: 35, releases: 6778 },
    waitNs: histogram(35, 4_100_000, 900, 812_000),
    holdNs: histogram(2012, 40_000_000, 310, 9_400_000),
    irqsOffNs: histogram(1773, 60_000_000, 240, 9_900_000),
  },
);

export const DAMAGE: Problem = {
  name: 'truncated-section',
  severity: 'error',
  text: 'the file ends inside the buffer of CPU 2; what lies before was read',
  count: 1,
  offset: 1310720,
};

/** A file cut short. */
export const damaged: Report = report(
  {
    path: 'cut.dat',
    format: 'trace.dat v7',
    clock: 'mono',
    timeUnit: 'ns',
    kernel: null,
    cpus: 2,
    events: 1204,
    startNs: '10000000000',
    endNs: '10250000000',
    perCpu: [
      cpu(1, '10000000000', '10250000000', 1204),
      { cpu: 2, firstNs: null, lastNs: null, events: 0, lost: null, breaks: 0 },
    ],
    problems: [
      {
        name: 'unknown-option',
        severity: 'info',
        text: 'an option that spinback does not know',
        count: 2,
        offset: 96,
      },
      {
        name: 'dropped',
        severity: 'data loss',
        text: 'events were dropped because the buffer was full',
        count: 17,
        offset: 40960,
      },
      DAMAGE,
    ],
  },
  [],
  {
    locks: { live: 3, peak: 9, forgotten: 0, acquisitions: 120, contentions: 0, releases: 118 },
    holdNs: histogram(118, 1_000_000, 310, 90_000),
  },
);

/** A capture that counts cycles of unknown length. */
export const cycles: Report = report(
  {
    path: 'ext4-dm-1k.medium-zstd.dat',
    format: 'trace.dat v7 (zstd)',
    clock: 'x86-tsc',
    timeUnit: 'cycles',
    kernel: KERNEL,
    cpus: 2,
    events: 879000,
    startNs: '56310001204',
    endNs: '66310001204',
    perCpu: [
      cpu(0, '56310001204', '66310000204', 440000),
      cpu(1, '56310001300', '66310001204', 439000, 0, 2),
    ],
    problems: [],
  },
  [
    finding({
      id: 'F1',
      kind: 'never-released',
      cause: 'held-at-end',
      confidence: 'likely',
      severity: 'high',
      signature: 'never-released held-at-end &ei->i_raw_lock',
      headline: 'cp-150 holds &ei->i_raw_lock where the capture ends, and tar-124 waits',
      subject: { cpu: 1, pid: 124, comm: null, context: 'softirq' },
      lock: {
        namespace: 'lockdep',
        address: '0xffff888103581b80',
        bit: null,
        name: '&ei->i_raw_lock',
        class: '&ei->i_raw_lock',
        knownBy: 'operations',
      },
      startNs: '66300000000',
      durationNs: 10001204,
      openEnded: true,
      holder: { cpu: 0, pid: 150, comm: 'cp', atNs: '66300000000' },
      lastAcquire: { cpu: 0, pid: 150, comm: 'cp', atNs: '66300000000' },
      waiters: [{ cpu: 1, pid: 124, comm: null, sinceNs: '66300900000', durationNs: 9101204, irqsOff: null }],
      irqsOff: { source: 'none', notBeforeNs: null, notAfterNs: null },
      evidence: [
        {
          ns: '66300000000',
          cpu: 0,
          pid: 150,
          comm: 'cp',
          event: 'lock_acquired',
          detail: '0xffff888103581b80 &ei->i_raw_lock',
        },
        {
          ns: '66300900000',
          cpu: 1,
          pid: 124,
          comm: null,
          event: 'lock_acquire',
          detail: '0xffff888103581b80 &ei->i_raw_lock',
        },
      ],
      taintedBy: ['CPU 1 has 2 breaks in continuity that no loss mark explains'],
    }),
  ],
  {
    locks: { live: 31, peak: 402, forgotten: 12, acquisitions: 91000, contentions: 350, releases: 90999 },
    suppressed: { 'lost-update': 512 },
    engine: { ringDropped: 3 },
    waitNs: histogram(350, 4_100_000, 900, 9101204),
    holdNs: histogram(90999, 40_000_000, 310, 9_400_000),
  },
);

/** What `spinback info` says of the stock capture. */
export const stockInfo: Info = {
  schema: INFO_SCHEMA,
  spinback: '0.1.0',
  trace: {
    ...stock.trace,
    problems: [
      {
        name: 'unknown-option',
        severity: 'info',
        text: 'an option that spinback does not know',
        count: 2,
        offset: 96,
      },
    ],
  },
  events: [
    { event: 'timer:hrtimer_expire_entry', count: 35658 },
    { event: 'sched:sched_switch', count: 26821 },
    { event: 'sched:sched_wakeup', count: 12719 },
    { event: 'irq:softirq_raise', count: 9107 },
    { event: 'lock:contention_begin', count: 8180 },
    { event: 'lock:contention_end', count: 8176 },
    { event: 'printk:console', count: 39 },
  ],
  questions: [
    {
      question: 'which CPU went silent',
      answer: 'yes',
      why: 'every CPU has timer events in a steady rhythm',
      record: null,
    },
    {
      question: 'who waits for which lock, and for how long',
      answer: 'partly',
      why: 'contention_begin and contention_end show sleeping locks and queued spinlocks; bit locks leave no trace',
      record:
        'kprobes on the functions that take the bit lock, or the bitlock tracepoints of a patched kernel',
    },
    {
      question: 'who lost an unlock',
      answer: 'no',
      why: 'no event carries a lock word or a store to it',
      record: 'the bit lock events and the loads and stores of the word',
    },
  ],
};
