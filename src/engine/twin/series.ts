// Statistics: what is counted by lock class, and by whatever else the user splits by (assembly/programs/series.ts).

import * as L from '../../../assembly/layout.ts';
import { ByteReader, decodeText } from '../../base/byte-reader.ts';
import { namespaceOf } from '../../model/event-record.ts';
import type { CanonicalEvent } from '../../model/event.ts';
import { levelOf } from './cpu-life.ts';
import { since } from './marks.ts';
import type { Series } from './statistics.ts';
import type { World } from './world.ts';

/** The series that a lock's attempt or take belongs to; null while statistics are off, or where there is no room. */
export function seriesOfLock(world: World, event: CanonicalEvent): Series | null {
  const { split } = world.statistics;
  if (split === 0) return null;
  const namespace = namespaceOf(event.flags);
  const name = nameOf(world, event);
  const isKnown = name.length > 0 || namespace === L.NAMESPACE_WORD;
  return find(world, event, split & L.SPLIT_BY_SITE, name, {
    kind: L.SERIES_IS_LOCK,
    class: hashOf(name),
    address: !isKnown || split & L.SPLIT_BY_LOCK ? event.address : 0n,
    namespace,
    bit: event.bit,
    isRead: (event.flags & L.FLAG_READ) !== 0,
  });
}

type What = Pick<Series['key'], 'kind' | 'class' | 'address' | 'namespace' | 'bit' | 'isRead'>;

function find(
  world: World,
  event: CanonicalEvent,
  bySite: number,
  name: Uint8Array,
  what: What,
): Series | null {
  const { statistics } = world;
  const { split } = statistics;
  if (event.time < statistics.since || event.time > statistics.until) return null;
  const key = {
    ...what,
    site: bySite ? siteOf(world, event) : 0n,
    pid: split & L.SPLIT_BY_TASK ? event.pid : 0,
    cpu: split & L.SPLIT_BY_CPU ? event.cpu : 0,
    level: split & L.SPLIT_BY_CONTEXT ? levelOf(event.flags) : 0,
  };
  const kept = name.length <= L.SERIES_NAME_LIMIT ? decodeText(name) : '';
  const series = statistics.find(key, kept, world.mark(event));
  if (!series) world.count(L.COUNTER_UNTRACKED_SERIES);
  return series;
}

export function addSpan(
  world: World,
  series: Series,
  span: 'wait' | 'hold',
  ns: bigint,
  event: CanonicalEvent,
  address: bigint,
): void {
  world.statistics.add(series, span, ns, world.mark(event), address);
}

/** Interrupts or preemption went off: remembers by whom. */
export function sectionBegins(world: World, event: CanonicalEvent, kind: number): void {
  if (world.statistics.split === 0) return;
  const bare = { class: 0n, address: 0n, namespace: 0, bit: 0, isRead: false };
  const series = find(world, event, L.SPLIT_BY_SITE, new Uint8Array(0), { kind, ...bare });
  world.statistics.sections.set(`${event.cpu}:${kind}`, { since: event.time, series });
}

/** They went on again: the section counts, unless nobody saw it begin. */
export function sectionEnds(world: World, event: CanonicalEvent, kind: number): void {
  const name = `${event.cpu}:${kind}`;
  const section = world.statistics.sections.get(name);
  if (section?.series) addSpan(world, section.series, 'hold', since(section.since, event.time), event, 0n);
  world.statistics.sections.delete(name);
}

/** The lock's name without the zero byte at its end; empty where the record has none. */
function nameOf(world: World, { type }: CanonicalEvent): Uint8Array {
  const { record } = world;
  const place = world.rowOf(type).spec.name;
  const none = new Uint8Array(0);
  if (!record || !place || place.at + 4 > record.length) return none;
  const word = Number(new ByteReader(record).uintAt(place.at, 4));
  const start = (word & 0xffff) + (place.location === 'rel' ? place.at + 4 : 0);
  const end = start + (word >>> 16);
  if (end > record.length) return none;
  const name = record.subarray(start, end);
  return name.at(-1) === 0 ? name.subarray(0, -1) : name;
}

/** A hash of a name, eight bytes at a time and the last ones padded with zeros; 0n for none. */
function hashOf(name: Uint8Array): bigint {
  if (name.length === 0) return 0n;
  const padded = new Uint8Array(Math.floor(name.length / 8) * 8 + 8);
  padded.set(name);
  const reader = new ByteReader(padded);
  let all = BigInt(name.length);
  for (let at = 0; at < padded.length; at += 8) {
    const product = BigInt.asUintN(64, (all ^ reader.uintAt(at, 8)) * 0x9e3779b97f4a7c15n);
    all = product ^ (product >> 29n);
  }
  return all;
}

/** The address, or offset, of the code that did it; 0n where the record does not say. */
function siteOf(world: World, { type }: CanonicalEvent): bigint {
  const { record } = world;
  const site = world.rowOf(type).spec.site;
  if (!record || !site || site.at + site.size > record.length) return 0n;
  return new ByteReader(record).uintAt(site.at, site.size);
}
