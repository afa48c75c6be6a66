// The overview: what today's calendars come to, and which days a period has.

import { expect, test } from "vitest";
import { ahead } from "../../src/dashboard/page";
import { percent } from "../../src/dashboard/charts";
import { countsOf, daysOf, type TodaySlot } from "../../src/dashboard/counts";
import { dashboardWords } from "../../src/dashboard/words";

const NOW = Date.parse("2027-03-01T10:00:00Z");

function slot(id: string, hour: string, status: TodaySlot["status"], ...visits: [string, string][]): TodaySlot {
  const appointments = visits.map(([visit, state]) => ({ id: visit, status: state as "BOOKED" }));
  return { id, startsAt: `2027-03-01T${hour}:00:00Z`, endsAt: `2027-03-01T${hour}:30:00Z`, status, version: 1, appointments };
}

test("visits are counted once, by where they stand; free is what has not begun", () => {
  const slots = [
    slot("1", "09", "AVAILABLE"),
    slot("2", "11", "AVAILABLE"),
    slot("3", "12", "BLOCKED"),
    slot("4", "13", "BOOKED", ["a", "BOOKED"]),
    slot("5", "14", "BOOKED", ["a", "BOOKED"]),
    slot("6", "08", "BOOKED", ["b", "COMPLETED"], ["c", "NO_SHOW"], ["d", "CANCELLED"]),
    slot("7", "10", "BOOKED", ["e", "CHECKED_IN"]),
  ];
  expect(countsOf(slots, NOW)).toEqual({ free: 1, booked: 1, arrived: 1, done: 1, missed: 1 });
});

test("the days that are over end yesterday, and those that come begin today", () => {
  expect(daysOf("past28", "2027-03-01")).toEqual({ from: "2027-02-01", until: "2027-02-28" });
  expect(daysOf("past90", "2027-03-01").from).toBe("2026-12-01");
  expect(daysOf("next28", "2027-03-01")).toEqual({ from: "2027-03-01", until: "2027-03-28" });
});

test("numbers are written for people", () => {
  expect([percent(1 / 3), percent(0)]).toEqual(["33 %", "0 %"]);
  expect([ahead(null, dashboardWords.en), ahead(30.4, dashboardWords.en), ahead(50, dashboardWords.en)]).toEqual(["–", "30 h", "2 days"]);
});
