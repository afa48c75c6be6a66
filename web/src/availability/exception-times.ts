// When closed time or extra hours begin and end: from days and times in fields to instants, and back into
// words.

import { parseDateTime, toZoned } from "@internationalized/date";
import type { Dates } from "../shared/dates";
import { addDays, dayOf, startOfDay, wallMinutes, type Day } from "../shared/time";

export interface Stretch {
  isWholeDays: boolean;
  firstDay: Day;
  lastDay: Day;
  startTime: string;
  endTime: string;
}

/** The instants of a stretch in a zone. Without times it has all of its days; 00:00 ends its last day. */
export function instantsOf(stretch: Stretch, zone: string): { startsAt: string; endsAt: string } {
  const { isWholeDays, firstDay, lastDay, startTime, endTime } = stretch;
  const isToMidnight = isWholeDays || endTime === "00:00";
  const startsAt = isWholeDays ? startOfDay(firstDay, zone) : at(firstDay, startTime, zone);
  const endsAt = isToMidnight ? startOfDay(addDays(lastDay, 1), zone) : at(lastDay, endTime, zone);
  return { startsAt: startsAt.toISOString(), endsAt: endsAt.toISOString() };
}

function at(day: Day, time: string, zone: string): Date {
  return toZoned(parseDateTime(`${day}T${time}`), zone).toDate();
}

/** A stretch as people write it: days where it has whole ones, and times otherwise. */
export function stretchWritten(startsAt: string, endsAt: string, zone: string, dates: Dates): string {
  const isWhole = wallMinutes(startsAt, zone) === 0 && wallMinutes(endsAt, zone) === 0;
  const first = dayOf(startsAt, zone);
  if (isWhole) {
    const last = addDays(dayOf(endsAt, zone), -1);
    return first === last ? dates.wholeDay(first) : dates.range(first, last);
  }
  const begin = `${dates.wholeDay(first)}, ${dates.time(startsAt, zone)}`;
  const last = dayOf(endsAt, zone);
  const end = dates.time(endsAt, zone);
  return `${begin} – ${first === last ? end : `${dates.wholeDay(last)}, ${end}`}`;
}
