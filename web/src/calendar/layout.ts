// Where slots stand in a day: by the clock on the wall, in minutes from midnight. On the night when a clock
// is put back an hour comes twice: slots that would lie on each other stand side by side.

import { minutesBetween, wallMinutes } from "../shared/time";

export interface Span {
  id: string;
  startsAt: string;
  endsAt: string;
}

export interface Place {
  id: string;
  top: number;
  height: number;
  lane: number;
  lanes: number;
}

const SHORTEST = 10;
const DAY = 24 * 60;

export function placesOf(spans: readonly Span[], zone: string): Place[] {
  const places = spans
    .map(({ id, startsAt, endsAt }) => {
      const top = wallMinutes(startsAt, zone);
      const height = Math.min(Math.max(minutesBetween(startsAt, endsAt), SHORTEST), DAY - top);
      return { id, top, height, lane: 0, lanes: 1 };
    })
    .sort((a, b) => a.top - b.top);
  let group: Place[] = [];
  let end = -1;
  for (const place of places) {
    if (place.top >= end) group = [];
    group.push(place);
    end = Math.max(end, place.top + place.height);
    beside(group, place);
  }
  return places;
}

/** Puts the newest of a group of places that overlap into the first lane that is free. */
function beside(group: Place[], newest: Place): void {
  const isFree = (lane: number) =>
    group.every((other) => other === newest || other.lane !== lane || other.top + other.height <= newest.top);
  while (!isFree(newest.lane)) newest.lane++;
  const lanes = Math.max(...group.map(({ lane }) => lane)) + 1;
  for (const place of group) place.lanes = lanes;
}

/** The hours to show: those that have slots, and a usual working day where there are few. */
export function hoursShown(columns: readonly Place[][]): { from: number; to: number } {
  const places = columns.flat();
  if (places.length === 0) return { from: 8, to: 18 };
  const from = Math.min(...places.map(({ top }) => top));
  const to = Math.max(...places.map(({ top, height }) => top + height));
  return { from: Math.floor(from / 60), to: Math.ceil(to / 60) };
}

/** How many pixels a minute has, so that the shortest slot can be read and hit. */
export function scaleFor(columns: readonly Place[][]): number {
  const shortest = Math.min(30, ...columns.flat().map(({ height }) => height));
  return Math.max(1.1, 30 / shortest);
}
