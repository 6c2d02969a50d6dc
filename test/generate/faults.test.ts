import { describe, expect, it } from 'vitest';
import {
  E,
  FAULTS,
  generateEvents,
  readFault,
  SIMULATION_DEFAULTS,
  type SimulationOptions,
  type SimulationResult,
  type TraceEvent,
  type Truth,
} from '../../src/generate/index.ts';
import { hexWord } from '../../src/generate/word64.ts';
import { Watcher } from './invariants.ts';

const THRESHOLD = 10e9;

interface Run {
  readonly events: TraceEvent[];
  readonly truth: Truth;
  readonly watcher: Watcher;
  /** The event that a time of the truth stands for. */
  at(time: string, type: number): TraceEvent;
  timeOf(name: string): number;
}

function run(fault: string, options: Partial<SimulationOptions> = {}): Run {
  const whole = { ...SIMULATION_DEFAULTS, events: 12_000, faults: [readFault(fault)], ...options };
  const stream = generateEvents(whole);
  const events: TraceEvent[] = [];
  const watcher = new Watcher();
  let result: SimulationResult | undefined;
  for (let step = stream.next(); ; step = stream.next()) {
    if (step.done) {
      result = step.value;
      break;
    }
    watcher.event(step.value);
    events.push(step.value.copy());
  }
  const truth = result.truths[0]!;
  const timeOf = (name: string): number => {
    expect(truth.times, `${fault} notes ${name}`).toHaveProperty(name);
    return Number(truth.times[name]);
  };
  const at = (name: string, type: number): TraceEvent => {
    const time = timeOf(name);
    const found = events.find((event) => event.time === time && event.type === type);
    expect(found, `${fault}: the event of ${name} at ${time}`).toBeDefined();
    return found!;
  };
  return { events, truth, watcher, at, timeOf };
}

/** The events of the lock that a fault is about, by exact address. */
function ofLock({ events, truth }: Run): TraceEvent[] {
  return events.filter((event) => hexWord(event.a) === truth.lock!.address);
}

/** The victim spins with interrupts off until the end; only NMIs still print from its CPU. */
function expectStuck(fault: Run, suffix = ''): void {
  const { events, truth } = fault;
  const contended = fault.at(`contended${suffix}`, E.bitContended);
  const victim = truth.actors.find(({ role }) => role === `victim${suffix}`)!;
  expect(contended.cpu).toBe(victim.cpu);
  expect(contended.pid).toBe(victim.pid);
  expect(hexWord(contended.a)).toBe(truth.lock!.address);
  expect(contended.d & 0x10).toBe(0x10);
  expect(fault.at(`irqsOff${suffix}`, E.irqDisable).cpu).toBe(victim.cpu);
  const later = events.filter(({ cpu, time }) => cpu === victim.cpu && time > contended.time);
  expect(later.filter(({ type, flags }) => type !== E.console || (flags & 0x40) === 0)).toEqual([]);
  expect(events.some(({ cpu, time }) => cpu !== victim.cpu && time > contended.time + 10e9)).toBe(true);
  const end = ofLock(fault).filter(({ type, time }) => type === E.bitAcquired && time > contended.time);
  expect(end).toEqual([]);
}

function expectReport(fault: Run, window: readonly [number, number]): void {
  const report = fault.at('report', E.console);
  expect(report.text).toMatch(/^watchdog: Watchdog detected hard LOCKUP on cpu \d+$/);
  const after = report.time - fault.timeOf('irqsOff');
  expect(after).toBeGreaterThanOrEqual(window[0] * THRESHOLD);
  expect(after).toBeLessThan(window[1] * THRESHOLD + 1e9);
}

describe('lost-unlock', () => {
  it('has the store after the release and nobody who takes the lock again', () => {
    const fault = run('lost-unlock');
    const { truth, at } = fault;
    const load = at('load', E.wordLoad);
    const release = at('lastRelease', E.bitRelease);
    const store = at('store', E.wordStore);
    expect(load.b & 0x10).toBe(0x10);
    expect(release.d & 0x10).toBe(0);
    expect(store.c).toBe(load.b);
    expect([load.time < release.time, release.time < store.time]).toEqual([true, true]);
    expect(load.pid).toBe(store.pid);
    expect(release.pid).not.toBe(store.pid);
    expect(truth.actors.map(({ role }) => role)).toEqual(['holder', 'culprit', 'victim']);
    const takes = ofLock(fault).filter(({ type, time }) => type === E.bitAcquired && time > release.time);
    expect(takes).toEqual([]);
    expectStuck(fault);
    expectReport(fault, [0.8, 2.4]);
    expect(fault.watcher.breaches).toEqual([]);
  });

  it('takes its settings', () => {
    const fault = run(
      'lost-unlock:victim=2,culprit=0,holder=1,delay=50ms,victims=2,detector=perf,backtraces=2',
      {
        cpus: 6,
        durationNs: 45e9,
      },
    );
    const cpus = Object.fromEntries(fault.truth.actors.map(({ role, cpu }) => [role, cpu]));
    expect(cpus).toMatchObject({ holder: 1, culprit: 0, victim: 2 });
    expect(fault.timeOf('irqsOff') - fault.timeOf('store')).toBeGreaterThan(50e6);
    expectStuck(fault);
    expectStuck(fault, '2');
    expectReport(fault, [0.6, 2]);
    // The performance counter's detector prints from the stuck CPU itself.
    expect(fault.at('report', E.console).cpu).toBe(2);
    const backtraces = fault.events.filter(({ text }) => text === 'NMI backtrace for cpu 2');
    expect(backtraces.length).toBeGreaterThanOrEqual(1);
  });

  it('keeps its order however much events are skewed', () => {
    const { at } = run('lost-unlock', { skewNs: 20_000 });
    expect(at('load', E.wordLoad).time).toBeLessThan(at('lastRelease', E.bitRelease).time);
    expect(at('lastRelease', E.bitRelease).time).toBeLessThan(at('store', E.wordStore).time);
  });
});

describe('missing-unlock', () => {
  it.each(['return', 'exit', 'context'])('by %s', (how) => {
    const fault = run(`missing-unlock:how=${how}`);
    const acquire = fault.at('acquire', E.bitAcquired);
    expect(fault.truth.actors[0]).toMatchObject({ role: 'holder', cpu: acquire.cpu, pid: acquire.pid });
    const released = ofLock(fault).filter(({ type, time }) => type === E.bitRelease && time > acquire.time);
    expect(released).toEqual([]);
    const noticed = fault.events.filter(({ text }) =>
      /scheduling while atomic|huh, entered softirq/.test(text),
    );
    expect(noticed).toHaveLength(1);
    expect((acquire.flags & 0x10) !== 0).toBe(how === 'context');
    if (how === 'exit') expect(fault.at('exit', E.schedProcessExit).a).toBe(acquire.pid);
    expectStuck(fault);
    expectReport(fault, [0.8, 2.4]);
  });
});

describe('unknown-setter', () => {
  it('sets the bit without an event', () => {
    const fault = run('unknown-setter');
    const release = fault.at('lastRelease', E.bitRelease);
    expect(fault.timeOf('set')).toBeGreaterThan(release.time);
    const between = ofLock(fault).filter(({ time }) => time > release.time && time < fault.timeOf('attempt'));
    expect(between).toEqual([]);
    expectStuck(fault);
  });
});

describe('a lock held for long', () => {
  it('slow-holder lets go in the end', () => {
    const fault = run('slow-holder:for=3s');
    const [acquire, release] = [fault.at('acquire', E.bitAcquired), fault.at('release', E.bitRelease)];
    expect(release.time - acquire.time).toBeGreaterThan(3e9);
    expect(release.time - acquire.time).toBeLessThan(3.1e9);
    const acquired = fault.at('acquired', E.bitAcquired);
    expect(acquired.time - fault.at('contended', E.bitContended).time).toBeGreaterThan(2.9e9);
    expect(acquired.pid).toBe(fault.truth.actors.find(({ role }) => role === 'waiter')!.pid);
    fault.at('irqsOn', E.irqEnable);
    expect(fault.watcher.breaches).toEqual([]);
  });

  it('held-at-end does not, and the holder’s CPU goes on ticking', () => {
    const fault = run('held-at-end:before=4s');
    const acquire = fault.at('acquire', E.bitAcquired);
    fault.at('contended', E.bitContended);
    expect(ofLock(fault).filter(({ type, time }) => type === E.bitRelease && time > acquire.time)).toEqual(
      [],
    );
    const end = fault.events.at(-1)!.time;
    expect(end - acquire.time).toBeGreaterThan(3.9e9);
    const ticks = fault.events.filter(
      ({ cpu, type, time }) => cpu === acquire.cpu && type === E.localTimerEntry && time > acquire.time,
    );
    expect(ticks.length).toBeGreaterThan(100);
  });
});

describe('deadlock', () => {
  it.each(['spin', 'bit'])('abba with %s locks', (sort) => {
    const fault = run(`abba:sort=${sort}`);
    const acquired = sort === 'bit' ? E.bitAcquired : E.lockAcquired;
    const attempt = sort === 'bit' ? E.bitAcquire : E.lockAcquire;
    const [first, second] = [fault.at('firstAcquired', acquired), fault.at('secondAcquired', acquired)];
    const [firstWaits, secondWaits] = [fault.at('firstWaits', attempt), fault.at('secondWaits', attempt)];
    expect([firstWaits.a, secondWaits.a]).toEqual([second.a, first.a]);
    expect([firstWaits.cpu, secondWaits.cpu]).toEqual([first.cpu, second.cpu]);
    expect(hexWord(first.a)).toBe(fault.truth.lock!.address);
    expect(hexWord(second.a)).toBe(fault.truth.values['otherLock']);
    for (const { cpu, time } of [firstWaits, secondWaits]) {
      const later = fault.events.filter((event) => event.cpu === cpu && event.time > time + 1e6);
      expect(later.filter(({ type }) => type !== E.console)).toEqual([]);
    }
    fault.at('firstReport', E.console);
  });

  it.each(['spin', 'bit'])('of a CPU with itself, with %s locks', (sort) => {
    const fault = run(`self-deadlock:sort=${sort}`);
    const acquire = fault.at('acquire', sort === 'bit' ? E.bitAcquired : E.lockAcquired);
    const waits = fault.at('waits', sort === 'bit' ? E.bitAcquire : E.lockAcquire);
    expect(waits).toMatchObject({ a: acquire.a, cpu: acquire.cpu, pid: acquire.pid });
    expect([acquire.flags & 8, waits.flags & 8]).toEqual([0, 8]);
    expectReport(fault, [0.8, 2.4]);
  });
});

describe('a CPU in trouble', () => {
  it('irq-off', () => {
    const fault = run('irq-off:for=2s,cpu=1');
    const [off, on] = [fault.at('irqsOff', E.irqDisable), fault.at('irqsOn', E.irqEnable)];
    expect([off.cpu, on.cpu]).toEqual([1, 1]);
    expect(on.time - off.time).toBe(2e9);
    const between = fault.events.filter(({ cpu, time }) => cpu === 1 && time > off.time && time < on.time);
    expect(between).toEqual([]);
    expect(fault.watcher.breaches).toEqual([]);
  });

  it.each(['silent-cpu', 'silent-cpu:for=3s'])('%s', (name) => {
    const fault = run(name);
    const from = fault.timeOf('silentFrom');
    const { cpu } = fault.truth.actors[0]!;
    const to = name.includes('for') ? fault.timeOf('silentTo') : Infinity;
    expect(fault.events.filter((event) => event.cpu === cpu && event.time > from && event.time < to)).toEqual(
      [],
    );
    expect(fault.events.filter((event) => event.cpu === cpu && event.time < from).length).toBeGreaterThan(
      100,
    );
    const after = fault.events.filter((event) => event.cpu === cpu && event.time > to).length;
    expect(after > 0).toBe(to < Infinity);
    // It was not idle.
    expect(fault.events.findLast((event) => event.cpu === cpu && event.time <= from)!.pid).not.toBe(0);
  });
});

describe('updates and releases that went wrong', () => {
  it('bit-erased: a store without the bit while the lock is held', () => {
    const fault = run('bit-erased');
    const times = ['load', 'acquire', 'store', 'release'].map((name) => fault.timeOf(name));
    expect([...times].sort((a, b) => a - b)).toEqual(times);
    expect(fault.at('load', E.wordLoad).b & 0x10).toBe(0);
    expect(fault.at('store', E.wordStore).c & 0x10).toBe(0);
    expect(fault.at('acquire', E.bitAcquired).d & 0x10).toBe(0x10);
    expect(fault.watcher.breaches).toEqual([]);
  });

  it.each(['bit', 'spin'])('double-release of a %s lock', (sort) => {
    const fault = run(`double-release:sort=${sort}`);
    const type = sort === 'bit' ? E.bitRelease : E.lockRelease;
    const [once, twice] = [fault.at('release', type), fault.at('secondRelease', type)];
    expect(twice).toMatchObject({ a: once.a, cpu: once.cpu, pid: once.pid });
    expect(twice.time).toBeGreaterThan(once.time);
    expect(fault.watcher.breaches).toHaveLength(1);
    expect(fault.watcher.breaches[0]).toContain('not held');
  });

  it.each(['bit', 'mutex'])('foreign-release of a %s lock', (sort) => {
    const fault = run(`foreign-release:sort=${sort}`);
    const acquire = fault.at('acquire', sort === 'bit' ? E.bitAcquired : E.lockAcquired);
    const release = fault.at('release', sort === 'bit' ? E.bitRelease : E.lockRelease);
    expect(release.a).toBe(acquire.a);
    expect(release.pid).not.toBe(acquire.pid);
    expect(fault.watcher.breaches.length).toBeGreaterThan(0);
    expect(fault.watcher.breaches[0]).toContain('not held');
  });
});

describe('orders', () => {
  it('puts several faults into one trace, each on its own lock', () => {
    const faults = ['lost-unlock:at=3s', 'bit-erased:at=4s', 'double-release:at=5s'].map(readFault);
    const stream = generateEvents({ ...SIMULATION_DEFAULTS, cpus: 8, events: 20_000, faults });
    let step = stream.next();
    while (!step.done) step = stream.next();
    const addresses = step.value.truths.map(({ lock }) => lock!.address);
    expect(new Set(addresses).size).toBe(3);
    expect(step.value.truths.map((truth) => Object.keys(truth.times).length > 1)).toEqual([true, true, true]);
  });

  it('knows every fault by name and begins it when told', () => {
    for (const { name, settings } of FAULTS) {
      expect(readFault(`${name}:at=2s`).values.number('at')).toBe(2e9);
      expect(Object.keys(settings)).toContain('at');
    }
    const fault = run('irq-off:at=9s,for=1s');
    expect(fault.timeOf('irqsOff') - SIMULATION_DEFAULTS.startNs).toBeGreaterThan(9e9);
    expect(fault.timeOf('irqsOff') - SIMULATION_DEFAULTS.startNs).toBeLessThan(9.2e9);
  });

  it.each(['nonsense', 'irq-off:for', 'irq-off:for=long', 'abba:sort=mutex', 'irq-off:cpu=-3'])(
    'refuses %s',
    (text) => {
      expect(() => readFault(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
    },
  );

  it('refuses a fault that needs more CPUs than there are', () => {
    expect(() => run('lost-unlock', { cpus: 1 })).toThrow(/wants one more CPU, and of 1 CPUs none is left/);
    expect(() => run('irq-off:cpu=7')).toThrow(/wants CPU 7, and of 4 CPUs none is left/);
    expect(() => run('abba:first=2,second=2')).toThrow(/wants CPU 2/);
  });
});

describe('the truth', () => {
  /** Where each task was at the times that the truths note. */
  function seen(faults: readonly string[], seed: number) {
    const stream = generateEvents({
      ...SIMULATION_DEFAULTS,
      seed,
      events: 5000,
      faults: faults.map(readFault),
    });
    const where = new Map<string, number>();
    for (let step = stream.next(); ; step = stream.next()) {
      if (step.done) return { where, truths: step.value.truths };
      where.set(`${step.value.time} ${step.value.pid}`, step.value.cpu);
    }
  }

  it.each([1, 5, 13, 18])(
    'names the CPU of the deed, also where another fault moved the task (seed %i)',
    (seed) => {
      const { where, truths } = seen(['irq-off', 'lost-unlock'], seed);
      const [, { actors, times }] = truths as [Truth, Truth];
      const cpuAt = (name: string, role: string): number | undefined =>
        where.get(`${times[name]} ${actors.find((actor) => actor.role === role)!.pid}`);
      const cpus = Object.fromEntries(actors.map(({ role, cpu }) => [role, cpu]));
      expect(cpus).toEqual({
        holder: cpuAt('lastRelease', 'holder'),
        culprit: cpuAt('store', 'culprit'),
        victim: cpuAt('contended', 'victim'),
      });
    },
  );

  it('has no fault that did not happen', () => {
    const stream = generateEvents({ ...SIMULATION_DEFAULTS, faults: [readFault('irq-off:at=50s')] });
    let step = stream.next();
    while (!step.done) step = stream.next();
    expect(step.value).toMatchObject({ truths: [], missed: ['irq-off'] });
  });
});
