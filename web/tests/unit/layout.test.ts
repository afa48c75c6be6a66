// Where slots stand in a day.

import { expect, test } from "vitest";
import { hoursShown, placesOf, scaleFor } from "../../src/calendar/layout";

const MADRID = "Europe/Madrid";
const span = (id: string, startsAt: string, endsAt: string) => ({ id, startsAt, endsAt });
const laid = (...spans: ReturnType<typeof span>[]) =>
  placesOf(spans, MADRID).map(({ id, top, height, lane, lanes }) => [id, top, height, lane, lanes]);

test("slots that follow each other have the whole width", () => {
  expect(
    laid(span("a", "2027-03-01T08:00:00Z", "2027-03-01T08:30:00Z"), span("b", "2027-03-01T08:30:00Z", "2027-03-01T09:00:00Z")),
  ).toEqual([["a", 540, 30, 0, 1], ["b", 570, 30, 0, 1]]);
});

test("slots of an hour that comes twice stand side by side", () => {
  expect(
    laid(
      span("first", "2027-10-31T00:00:00Z", "2027-10-31T00:30:00Z"),
      span("second", "2027-10-31T01:00:00Z", "2027-10-31T01:30:00Z"),
      span("later", "2027-10-31T02:00:00Z", "2027-10-31T02:30:00Z"),
    ),
  ).toEqual([["first", 120, 30, 0, 2], ["second", 120, 30, 1, 2], ["later", 180, 30, 0, 1]]);
});

test("a slot over the hour that is left out is as high as it is long, and hides nothing", () => {
  expect(
    laid(span("over", "2027-03-28T00:30:00Z", "2027-03-28T01:30:00Z"), span("next", "2027-03-28T01:30:00Z", "2027-03-28T02:00:00Z")),
  ).toEqual([["over", 90, 60, 0, 1], ["next", 210, 30, 0, 1]]);
});

test("a lane is used again, and a group is as wide as its widest moment", () => {
  expect(
    laid(
      span("long", "2027-03-01T08:00:00Z", "2027-03-01T09:00:00Z"),
      span("one", "2027-03-01T08:00:00Z", "2027-03-01T08:30:00Z"),
      span("two", "2027-03-01T08:30:00Z", "2027-03-01T09:00:00Z"),
    ),
  ).toEqual([["long", 540, 60, 0, 2], ["one", 540, 30, 1, 2], ["two", 570, 30, 1, 2]]);
});

test("a slot over midnight ends with its day", () => {
  expect(laid(span("late", "2027-03-01T22:30:00Z", "2027-03-01T23:30:00Z"))).toEqual([["late", 1410, 30, 0, 1]]);
});

test("the hours that have slots are shown, and an ordinary day where there are none", () => {
  const places = placesOf([span("a", "2027-03-01T07:30:00Z", "2027-03-01T19:10:00Z")], MADRID);
  expect(hoursShown([places, []])).toEqual({ from: 8, to: 21 });
  expect(hoursShown([[], []])).toEqual({ from: 8, to: 18 });
});

test("the shortest slot can be hit", () => {
  const five = placesOf([span("a", "2027-03-01T08:00:00Z", "2027-03-01T08:05:00Z")], MADRID);
  expect(five[0]!.height * scaleFor([five])).toBeGreaterThanOrEqual(30);
  expect(scaleFor([[]])).toBe(1.1);
});
