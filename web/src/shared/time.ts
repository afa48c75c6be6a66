// Times and days. A day is a plain "2027-03-28"; which instants it has depends on the zone that it is
// looked at in. Arithmetic is the business of @internationalized/date; here it is given our words.

import {
  fromAbsolute,
  parseDate,
  startOfWeek,
  toCalendarDate,
  toZoned,
  type CalendarDate,
} from "@internationalized/date";

/** A day of the calendar, as the API writes it: 2027-03-28. */
export type Day = string;

export const MINUTE = 60_000;

export function today(zone: string, now = Date.now()): Day {
  return dayOf(now, zone);
}

export function dayOf(instant: string | number, zone: string): Day {
  return toCalendarDate(zoned(instant, zone)).toString();
}

/** When a day begins in a zone; where a clock is put forward at midnight, when it is first shown. */
export function startOfDay(day: Day, zone: string): Date {
  return toZoned(parseDate(day), zone).toDate();
}

export function addDays(day: Day, days: number): Day {
  return parseDate(day).add({ days }).toString();
}

export function addMonths(day: Day, months: number): Day {
  return parseDate(day).add({ months }).toString();
}

/** The Monday of a day's week. */
export function mondayOf(day: Day): Day {
  return startOfWeek(parseDate(day), "en-GB").toString();
}

export function firstOfMonth(day: Day): Day {
  return parseDate(day).set({ day: 1 }).toString();
}

export function daysFrom(day: Day, count: number): Day[] {
  return Array.from({ length: count }, (_, index) => addDays(day, index));
}

/** The days of the weeks that a month touches, from a Monday on. */
export function daysOfMonthSheet(day: Day): Day[] {
  const first = firstOfMonth(day);
  const monday = mondayOf(first);
  const next = addMonths(first, 1);
  const weeks = Math.ceil(daysBetween(monday, next) / 7);
  return daysFrom(monday, weeks * 7);
}

export function daysBetween(from: Day, to: Day): number {
  return toNumber(parseDate(to)) - toNumber(parseDate(from));
}

/** How far the clock on the wall has come at an instant, in minutes. */
export function wallMinutes(instant: string | number, zone: string): number {
  const { hour, minute } = zoned(instant, zone);
  return hour * 60 + minute;
}

export function minutesBetween(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / MINUTE;
}

/** Whether two zones show the same time at an instant. */
export function isSameClock(instant: string | number, zone: string, other: string): boolean {
  return zoned(instant, zone).offset === zoned(instant, other).offset;
}

export function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

function zoned(instant: string | number, zone: string) {
  return fromAbsolute(typeof instant === "number" ? instant : Date.parse(instant), zone);
}

function toNumber(day: CalendarDate): number {
  return day.calendar.toJulianDay(day);
}

/** Whether a text is a day that there is. */
export function isDay(text: string): boolean {
  try {
    return parseDate(text).toString() === text;
  } catch {
    return false;
  }
}
