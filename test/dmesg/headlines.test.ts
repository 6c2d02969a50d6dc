import { describe, expect, it } from 'vitest';
import { HEADLINES, NEEDLES, recognise } from '../../src/dmesg/headlines.ts';
import { WINDOW } from '../../src/dmesg/lines/search.ts';
import { dumpHeader } from '../../src/dmesg/dump-lines.ts';
import { LOG_KINDS } from '../../src/model/kernel-log.ts';

describe('the table of headlines', () => {
  it.each(HEADLINES.map((headline) => [headline.sample, headline] as const))('%s', (sample, headline) => {
    expect(sample).toContain(headline.needle);
    expect(headline.source).toMatch(/\S/);
    expect(recognise(sample)?.headline).toBe(headline);
  });

  it('has a row for every kind that is a report', () => {
    const kinds = new Set(HEADLINES.map(({ kind }) => kind));
    expect(LOG_KINDS.filter((kind) => !kinds.has(kind))).toEqual(['held-locks', 'nmi-backtrace']);
  });

  it('has needles that the search can hold', () => {
    for (const needle of NEEDLES) expect(needle.length).toBeGreaterThanOrEqual(WINDOW);
  });
});

describe('recognise', () => {
  it('leaves titles and quotations alone', () => {
    for (const text of [
      'Subject: Re: BUG: soft lockup - CPU#0 stuck for 22s!',
      'TITLE: WARNING: possible circular locking dependency detected',
      'we see "BUG: soft lockup - CPU#0 stuck for 22s!" now and then',
      'NMI watchdog: Enabled. Permanently consumes one hw-PMU counter.',
    ]) {
      expect(recognise(text)).toBeNull();
    }
  });

  it('takes names with colons and slashes apart', () => {
    expect(recognise('BUG: soft lockup - CPU#1 stuck for 22s! [kworker/1:1:47]')?.groups).toMatchObject({
      comm: 'kworker/1:1',
      pid: '47',
    });
    expect(recognise('BUG: spinlock lockup suspected on CPU#3, swapper/3/0')?.groups).toMatchObject({
      comm: 'swapper/3',
      pid: '0',
    });
    expect(
      recognise('INFO: task kworker/u8:3:1234 blocked for more than 120 seconds.')?.groups,
    ).toMatchObject({ comm: 'kworker/u8:3', pid: '1234' });
  });
});

describe('dumpHeader', () => {
  it.each([
    ['Not tainted 5.4.0-rc1 #1', 'Not tainted', '5.4.0-rc1'],
    ['Tainted: G           O  3.16.0-4-amd64 #1 Debian', 'Tainted: G O', '3.16.0-4-amd64'],
    ['Tainted: GF       W  O 3.14.33-el #1', 'Tainted: GF W O', '3.14.33-el'],
    ['Tainted: G           OE    --------- -t - 4.18.0-80.el8 #1', 'Tainted: G OE', '4.18.0-80.el8'],
    ['Kdump: loaded Tainted: G          I      --------- ---  5.14.0 #1', 'Tainted: G I', '5.14.0'],
    ['Tainted: G', 'Tainted: G', null],
  ])('reads taint and kernel of %j', (rest, tainted, kernel) => {
    expect(dumpHeader(`CPU: 3 PID: 107 Comm: a b ${rest}`)).toMatchObject({ comm: 'a b', tainted, kernel });
  });
});
