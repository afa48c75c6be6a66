// Days and clocks, on the nights when clocks are changed, seen from another zone than the clinic's.

import { describe, expect, test } from "vitest";
import { datesIn } from "../../src/shared/dates";
import {
  addDays,
  addMonths,
  dayOf,
  daysOfMonthSheet,
  isSameClock,
  mondayOf,
  ownZone,
  startOfDay,
  wallMinutes,
} from "../../src/shared/time";

const MADRID = "Europe/Madrid";

test("the browser is somewhere else than the clinic", () => expect(ownZone()).toBe("America/New_York"));

describe("a day begins when its clinic says so", () => {
  test.each([
    ["2027-03-27", MADRID, "2027-03-26T23:00:00.000Z"],
    ["2027-03-28", MADRID, "2027-03-27T23:00:00.000Z"], // 23 hours
    ["2027-03-29", MADRID, "2027-03-28T22:00:00.000Z"],
    ["2027-10-31", MADRID, "2027-10-30T22:00:00.000Z"], // 25 hours
    ["2027-11-01", MADRID, "2027-10-31T23:00:00.000Z"],
    ["2027-09-05", "America/Santiago", "2027-09-05T04:00:00.000Z"], // there is no midnight
    ["2027-01-01", "Pacific/Auckland", "2026-12-31T11:00:00.000Z"],
  ])("%s in %s", (day, zone, instant) => {
    expect(startOfDay(day, zone).toISOString()).toBe(instant);
    expect(dayOf(instant, zone)).toBe(day);
  });
});

test("the hour that comes twice has the same place on the clock, and the one that is left out none", () => {
  expect(wallMinutes("2027-10-31T00:30:00Z", MADRID)).toBe(150);
  expect(wallMinutes("2027-10-31T01:30:00Z", MADRID)).toBe(150);
  expect(wallMinutes("2027-03-28T00:59:00Z", MADRID)).toBe(119);
  expect(wallMinutes("2027-03-28T01:00:00Z", MADRID)).toBe(180);
});

test("days are counted by the calendar, whatever clocks do", () => {
  expect(addDays("2027-03-27", 2)).toBe("2027-03-29");
  expect(addDays("2028-02-28", 1)).toBe("2028-02-29");
  expect(addMonths("2027-01-31", 1)).toBe("2027-02-28");
  expect(mondayOf("2027-03-28")).toBe("2027-03-22");
  expect(mondayOf("2027-03-22")).toBe("2027-03-22");
});

test.each([
  ["2027-02-10", "2027-02-01", "2027-02-28", 28],
  ["2026-11-22", "2026-10-26", "2026-12-06", 42],
  ["2027-03-01", "2027-03-01", "2027-04-04", 35],
])("the sheet of the month of %s has whole weeks", (day, first, last, count) => {
  const days = daysOfMonthSheet(day);
  expect([days[0], days.at(-1), days.length]).toEqual([first, last, count]);
});

test("zones are the same only where their clocks are", () => {
  expect(isSameClock("2027-03-01T10:00:00Z", MADRID, "Europe/Paris")).toBe(true);
  expect(isSameClock("2027-03-01T10:00:00Z", MADRID, "Atlantic/Canary")).toBe(false);
  // For two weeks in spring New York is an hour nearer.
  expect(isSameClock("2027-03-20T10:00:00Z", "America/New_York", "America/Halifax")).toBe(false);
});

test("times are written in the clinic's zone, in both languages", () => {
  const at = "2027-03-01T23:30:00Z";
  expect(datesIn("en").moment(at, MADRID)).toMatch(/^Tuesday,? 2 March at 00:30$/);
  expect(datesIn("es").moment(at, MADRID)).toMatch(/^Martes, 2 de marzo,? (a las )?00:30$/);
  expect(datesIn("en").zone(MADRID, at)).toBe("Madrid (GMT+1)");
  expect(datesIn("es").wholeDay("2027-03-02")).toBe("Martes, 2 de marzo de 2027");
});
