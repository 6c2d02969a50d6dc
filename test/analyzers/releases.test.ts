import { describe, expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import { generateTraceDat, readFault, readLoss, SIMULATION_DEFAULTS } from '../../src/generate/index.ts';
import { bytesSource } from '../../src/io/bytes.ts';
import { analyzeCapture } from '../../src/session/session.ts';
import { openSource } from '../../src/trace/open.ts';
import { Story } from './story.ts';

// Whose release is the odd one. Times in milliseconds.

const { KIND_ACQUIRE: ACQUIRE, KIND_RELEASE: RELEASE } = L;

describe('a release between a task’s own take and release', () => {
  const [a, b] = [
    { cpu: 1, pid: 101 },
    { cpu: 2, pid: 102 },
  ];
  const between = (more: (story: Story) => Story = (same) => same): string[] =>
    more(
      new Story()
        .event(0.1, b, L.KIND_OTHER)
        .bit(1, a, ACQUIRE, 0x131n)
        .bit(1.5, a, RELEASE, 0x21n)
        .bit(10, a, ACQUIRE, 0x131n)
        .bit(10.1, b, RELEASE, 0x21n)
        .bit(10.2, a, RELEASE, 0x21n),
    ).findings();

  it('is the other task’s matter: the taker released what it took', () => {
    expect(between()).toEqual(['foreign-release unknown likely']);
  });

  it('accuses nobody where the other task’s CPU lost events: its take may be among them, and its release late', () => {
    expect(between((story) => story.lost(5, 2))).toEqual([]);
  });

  it('a task that releases twice is still told', () => {
    const twice = new Story()
      .event(0.1, b, L.KIND_OTHER)
      .bit(1, a, ACQUIRE, 0x131n)
      .bit(1.5, a, RELEASE, 0x21n)
      .bit(2, a, ACQUIRE, 0x131n)
      .bit(2.5, a, RELEASE, 0x21n)
      .bit(2.6, a, RELEASE, 0x21n);
    expect(twice.findings()).toEqual(['double-release unknown likely']);
  });
});

// The slow holder's take is lost; its release comes after the next owner's take, as bit lock events do (design rule 14).
it.each([921, 1108, 1111, 1115, 1122, 1127])(
  'a slow holder whose take is lost: no innocent accused, seed %i',
  async (seed) => {
    const first = seed === 921;
    const loss = `gap:cpu=${first ? 2 : seed % 4},at=7.19s,for=20ms`;
    const { bytes } = generateTraceDat({
      seed,
      cpus: 4,
      events: first ? 60_000 : 40_000,
      faults: [readFault(first ? 'slow-holder' : 'slow-holder:for=1500ms')],
      losses: [readLoss(loss, SIMULATION_DEFAULTS.startNs)],
    });
    const { findings } = analyzeCapture(await openSource(bytesSource(bytes)));
    expect(findings.filter(({ kind }) => kind.endsWith('-release'))).toEqual([]);
    expect(findings).not.toEqual([]);
  },
);
