// What statistics know an event's lock, and the code that used it, by (assembly/programs/labels.ts).

import * as L from '../../../assembly/layout.ts';
import { ByteReader } from '../../base/byte-reader.ts';
import { NO_LABEL, type Label } from '../../blocks/items.ts';
import type { CanonicalEvent } from '../../model/event.ts';
import type { World } from './world.ts';

/** The label of a canonical record: its reader's numbers. */
export function labelOf(record: Uint8Array): Label {
  const raw = Number(new ByteReader(record).uintAt(L.EVENT_RAW, 4));
  return { class: BigInt(raw & 0xffff), site: BigInt(raw >>> 16) };
}

/** The lock's name without the zero byte at its end; empty where the event has no record, or that no name. */
export function nameOf(world: World, { type }: CanonicalEvent): Uint8Array {
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

/** The class of the event's lock, whose name is `name`; 0n for none. */
export function classOf({ record, label }: World, name: Uint8Array): bigint {
  if (!record) return (label ?? NO_LABEL).class;
  if (name.length === 0) return 0n;
  // Eight bytes at a time, the last ones padded with zeros.
  const padded = new Uint8Array(Math.floor(name.length / 8) * 8 + 8);
  padded.set(name);
  return hashOf(padded, BigInt(name.length));
}

/** The code: where the record names it, that, unless `split` is by stack; otherwise all of the event's callers. 0n for none. */
export function siteOf(world: World, type: number, split: number): bigint {
  const { record, callers, label } = world;
  if (!record) return (label ?? NO_LABEL).site;
  const { site: place } = world.rowOf(type).spec;
  const isThere = place && place.at + place.size <= record.length;
  const site = isThere ? new ByteReader(record).uintAt(place.at, place.size) : 0n;
  if (site !== 0n && !(split & L.SPLIT_BY_STACK)) return site;
  return callers ? hashOf(callers, 0n) : site;
}

function hashOf(bytes: Uint8Array, seed: bigint): bigint {
  const reader = new ByteReader(bytes);
  let all = seed;
  for (let at = 0; at < bytes.length; at += 8) {
    const product = BigInt.asUintN(64, (all ^ reader.uintAt(at, 8)) * 0x9e3779b97f4a7c15n);
    all = product ^ (product >> 29n);
  }
  return all;
}
