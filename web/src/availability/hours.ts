// Weekly hours as they are edited: text in fields, and what of it the API takes. What fits together is the
// server's to say; here only what a page needs to know before it asks.

import type { AvailabilityTemplateInput, Weekday, WorkingHoursQuery } from "../gql/graphql";
import { addDays, addMonths, firstOfMonth, type Day } from "../shared/time";

export const WEEKDAYS: readonly Weekday[] = [
  "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY",
];

type Template = NonNullable<WorkingHoursQuery["calendar"]>["templates"][number];

/** One range of hours, as it stands in the fields. `key` is its place in the page, for as long as it is there. */
export interface Range {
  key: string;
  weekdays: Weekday[];
  startTime: string;
  endTime: string;
  slotMinutes: string;
  bufferMinutes: string;
  capacity: string;
  validFrom: string;
  validUntil: string;
}

export function rangeOf(template: Template): Range {
  return {
    key: template.id,
    weekdays: template.weekdays,
    startTime: template.startTime.slice(0, 5),
    endTime: template.endTime.slice(0, 5),
    slotMinutes: String(template.slotMinutes),
    bufferMinutes: String(template.bufferMinutes),
    capacity: String(template.capacity),
    validFrom: template.validFrom ?? "",
    validUntil: template.validUntil ?? "",
  };
}

/** A new range: after the last one of the same days, which is what is mostly wanted. */
export function nextRange(ranges: readonly Range[]): Range {
  const last = ranges.at(-1);
  return {
    key: crypto.randomUUID(),
    weekdays: last ? [...last.weekdays] : WEEKDAYS.slice(0, 5),
    startTime: last ? later(last.endTime, 60) : "09:00",
    endTime: last ? later(last.endTime, 240) : "13:00",
    slotMinutes: last?.slotMinutes ?? "30",
    bufferMinutes: last?.bufferMinutes ?? "0",
    capacity: last?.capacity ?? "1",
    validFrom: last?.validFrom ?? "",
    validUntil: last?.validUntil ?? "",
  };
}

/** A time of the day some minutes later, at most midnight at the end of the day, which is written 00:00. */
export function later(time: string, minutes: number): string {
  const [hour = 0, minute = 0] = time.split(":").map(Number);
  const sum = Math.min(hour * 60 + minute + minutes, 24 * 60);
  const two = (number: number) => String(number).padStart(2, "0");
  return `${two(Math.floor(sum / 60) % 24)}:${two(sum % 60)}`;
}

export function inputOf(range: Range): AvailabilityTemplateInput {
  return {
    weekdays: WEEKDAYS.filter((day) => range.weekdays.includes(day)),
    startTime: range.startTime,
    endTime: range.endTime,
    slotMinutes: Number(range.slotMinutes),
    bufferMinutes: Number(range.bufferMinutes),
    capacity: Number(range.capacity),
    validFrom: range.validFrom || null,
    validUntil: range.validUntil || null,
  };
}

/** A stretch of days in parts that end with a month, so that one can see how far making times has come. */
export function monthsOf(from: Day, until: Day): { from: Day; until: Day }[] {
  const parts: { from: Day; until: Day }[] = [];
  let begin = from;
  while (begin <= until) {
    const end = addDays(addMonths(firstOfMonth(begin), 1), -1);
    parts.push({ from: begin, until: end < until ? end : until });
    begin = addDays(end, 1);
  }
  return parts;
}

export interface Sum<Visit> {
  created: number;
  kept: number;
  removed: number;
  uncovered: readonly Visit[];
}

export const NOTHING: Sum<never> = { created: 0, kept: 0, removed: 0, uncovered: [] };

/** What two parts come to; an appointment that both name is named once. */
export function added<Visit extends { id: string }>(one: Sum<Visit>, other: Sum<Visit>): Sum<Visit> {
  const known = new Set(one.uncovered.map(({ id }) => id));
  return {
    created: one.created + other.created,
    kept: one.kept + other.kept,
    removed: one.removed + other.removed,
    uncovered: [...one.uncovered, ...other.uncovered.filter(({ id }) => !known.has(id))],
  };
}
