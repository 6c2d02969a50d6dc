// Statistics: what is counted by lock class, and by whatever else the user splits by (assembly/programs/series.ts).

import * as L from '../../../assembly/layout.ts';
import { decodeText } from '../../base/byte-reader.ts';
import { namespaceOf } from '../../model/event-record.ts';
import type { CanonicalEvent } from '../../model/event.ts';
import { levelOf } from './cpu-life.ts';
import { classOf, nameOf, siteOf } from './labels.ts';
import { since } from './marks.ts';
import type { Series } from './statistics.ts';
import type { World } from './world.ts';

/** The series that a lock's attempt or take belongs to; null while statistics are off, or where there is no room. */
export function seriesOfLock(world: World, event: CanonicalEvent): Series | null {
  const { split } = world.statistics;
  if (split === 0) return null;
  const namespace = namespaceOf(event.flags);
  const name = nameOf(world, event);
  const known = classOf(world, name);
  const isKnown = known !== 0n || namespace === L.NAMESPACE_WORD;
  return find(world, event, false, name, {
    kind: L.SERIES_IS_LOCK,
    class: known,
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
  bySite: boolean,
  name: Uint8Array,
  what: What,
): Series | null {
  const { statistics } = world;
  const { split } = statistics;
  if (event.time < statistics.since || event.time > statistics.until) return null;
  const key = {
    ...what,
    site: bySite || split & (L.SPLIT_BY_SITE | L.SPLIT_BY_STACK) ? siteOf(world, event.type, split) : 0n,
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
  const series = find(world, event, true, new Uint8Array(0), { kind, ...bare });
  world.statistics.sections.set(`${event.cpu}:${kind}`, { since: event.time, series });
}

/** They went on again: the section counts, unless nobody saw it begin. */
export function sectionEnds(world: World, event: CanonicalEvent, kind: number): void {
  const name = `${event.cpu}:${kind}`;
  const section = world.statistics.sections.get(name);
  if (section?.series) addSpan(world, section.series, 'hold', since(section.since, event.time), event, 0n);
  world.statistics.sections.delete(name);
}
