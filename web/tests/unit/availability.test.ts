// Working hours as they are edited, and when what is stronger than they begins and ends.

import { expect, test } from "vitest";
import { instantsOf, stretchWritten } from "../../src/availability/exception-times";
import { countriesIn } from "../../src/availability/holidays";
import { added, inputOf, later, monthsOf, nextRange, NOTHING, rangeOf } from "../../src/availability/hours";
import { refusalIn } from "../../src/availability/weekly";
import { datesIn } from "../../src/shared/dates";

const HOURS = {
  weekdays: ["FRIDAY" as const, "MONDAY" as const],
  startTime: "09:00:00",
  endTime: "13:30:00",
  slotMinutes: 30,
  bufferMinutes: 5,
  capacity: 2,
  validFrom: null,
  validUntil: "2027-06-30",
};
const TEMPLATE = { id: "1", ...HOURS };
const MADRID = "Europe/Madrid";

test("hours go into fields and come back as they were, in the order of the week", () => {
  const weekdays = ["MONDAY", "FRIDAY"];
  expect(inputOf(rangeOf(TEMPLATE))).toEqual({ ...HOURS, weekdays, startTime: "09:00", endTime: "13:30" });
});

test.each([["13:00", 60, "14:00"], ["22:30", 45, "23:15"], ["23:30", 60, "00:00"], ["20:00", 240, "00:00"]])(
  "%s and %i minutes are %s, at most midnight",
  (time, minutes, sum) => expect(later(time, minutes)).toBe(sum),
);

test("a new range goes on with the days of the last one, after a pause", () => {
  const next = nextRange([rangeOf(TEMPLATE)]);
  expect([next.weekdays, next.startTime, next.endTime]).toEqual([["FRIDAY", "MONDAY"], "14:30", "17:30"]);
  expect(nextRange([]).weekdays).toHaveLength(5);
});

test("days come in parts that end with a month, without a gap", () => {
  expect(monthsOf("2027-01-30", "2027-03-01")).toEqual([
    { from: "2027-01-30", until: "2027-01-31" },
    { from: "2027-02-01", until: "2027-02-28" },
    { from: "2027-03-01", until: "2027-03-01" },
  ]);
  expect(monthsOf("2027-03-02", "2027-03-01")).toEqual([]);
});

test("parts are added, and who is named twice is named once", () => {
  const one = { created: 1, kept: 2, removed: 3, uncovered: [{ id: "a" }] };
  const other = { created: 10, kept: 20, removed: 30, uncovered: [{ id: "a" }, { id: "b" }] };
  expect(added(added(NOTHING, one), other)).toEqual({ created: 11, kept: 22, removed: 33, uncovered: [{ id: "a" }, { id: "b" }] });
});

const STRETCH = { isWholeDays: true, firstDay: "2027-03-28", lastDay: "2027-03-28", startTime: "09:00", endTime: "13:00" };

test("a whole day is as long as its zone has it, also when the clocks change", () => {
  expect(instantsOf(STRETCH, MADRID)).toEqual({ startsAt: "2027-03-27T23:00:00.000Z", endsAt: "2027-03-28T22:00:00.000Z" });
  const timed = { ...STRETCH, isWholeDays: false };
  expect(instantsOf(timed, MADRID)).toEqual({ startsAt: "2027-03-28T07:00:00.000Z", endsAt: "2027-03-28T11:00:00.000Z" });
  expect(instantsOf({ ...timed, endTime: "00:00" }, MADRID).endsAt).toBe("2027-03-28T22:00:00.000Z");
});

test("what was entered is written as it was meant", () => {
  const written = (stretch: typeof STRETCH) => {
    const { startsAt, endsAt } = instantsOf(stretch, MADRID);
    return stretchWritten(startsAt, endsAt, MADRID, datesIn("en")).replace(/(day),/, "$1");
  };
  expect(written(STRETCH)).toBe("Sunday 28 March 2027");
  expect(written({ ...STRETCH, lastDay: "2027-03-30" }).replace(/\s*–\s*/, "–")).toBe("28–30 March 2027");
  expect(written({ ...STRETCH, isWholeDays: false })).toBe("Sunday 28 March 2027, 09:00 – 13:00");
});

test("what a question was refused for is shown at its field", () => {
  expect(refusalIn("templates.1.endTime: This must be after the start.")).toEqual({
    code: "INVALID_INPUT", message: "This must be after the start.", path: ["templates", "1", "endTime"],
  });
  expect(refusalIn("Too much at once: wait.").path).toEqual([]);
  expect(refusalIn(undefined).code).toBe("UNREACHABLE");
});

test("countries are known by name, each once, and nothing that is none", () => {
  const found = countriesIn("es");
  expect(found.find(({ value }) => value === "ES")?.label).toBe("España");
  expect(new Set(found.map(({ label }) => label)).size).toBe(found.length);
  expect(found.filter(({ value }) => ["EU", "UN", "ZZ"].includes(value))).toEqual([]);
  expect(found.length).toBeGreaterThan(190);
});
