// What is held of a watched calendar: the rules of updates, and who is told what when.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SlotStore, type SlotBase } from "../../src/shared/slots";

const CALENDAR = "calendar_1";

function slot(id: string, version = 1, status = "AVAILABLE", hour = 9): SlotBase {
  const at = `2027-03-01T${String(hour).padStart(2, "0")}`;
  return { id, version, status, startsAt: `${at}:00:00Z`, endsAt: `${at}:30:00Z` };
}

function snapshot(cursor: string, ...slots: SlotBase[]) {
  return { reset: true, cursor, previousCursor: null, slots };
}

function change(previousCursor: string, cursor: string, ...slots: SlotBase[]) {
  return { reset: false, cursor, previousCursor, slots };
}

let store: SlotStore<SlotBase>;
beforeEach(() => {
  vi.useFakeTimers();
  store = new SlotStore(() => 1000);
});
afterEach(() => vi.useRealTimers());

const statuses = () => store.ids(CALENDAR).map((id) => [id, store.slot(id)!.slot.status]);

test("a reset is the whole picture", () => {
  expect(store.receive(CALENDAR, snapshot("c1", slot("b", 1, "BOOKED", 10), slot("a")))).toBe(2);
  expect(statuses()).toEqual([["a", "AVAILABLE"], ["b", "BOOKED"]]);
  expect(store.receive(CALENDAR, snapshot("c9", slot("b", 1, "BOOKED", 10)))).toBe(1);
  expect(statuses()).toEqual([["b", "BOOKED"]]);
  expect(store.cursor(CALENDAR)).toBe("c9");
});

test("an update changes what it names, and takes away what is removed", () => {
  store.receive(CALENDAR, snapshot("c1", slot("a"), slot("b", 1, "AVAILABLE", 10)));
  expect(store.receive(CALENDAR, change("c1", "c2", slot("a", 2, "BOOKED"), slot("b", 2, "REMOVED", 10)))).toBe(2);
  expect(statuses()).toEqual([["a", "BOOKED"]]);
  expect(store.receive(CALENDAR, change("c2", "c3", slot("c", 1, "AVAILABLE", 8)))).toBe(1);
  expect(statuses()).toEqual([["c", "AVAILABLE"], ["a", "BOOKED"]]);
});

test("an update that does not follow upon what is held is not taken", () => {
  store.receive(CALENDAR, snapshot("c1", slot("a")));
  expect(store.receive(CALENDAR, change("c2", "c3", slot("a", 3, "BOOKED")))).toBeNull();
  expect(statuses()).toEqual([["a", "AVAILABLE"]]);
  expect(store.cursor(CALENDAR)).toBe("c1");
  expect(new SlotStore().receive(CALENDAR, change("c1", "c2"))).toBeNull();
});

test("coming back counts what has changed, and nothing else", () => {
  store.receive(CALENDAR, snapshot("c1", slot("a"), slot("b", 1, "AVAILABLE", 10)));
  expect(store.receive(CALENDAR, change("c1", "c1"))).toBe(0);
  expect(store.receive(CALENDAR, snapshot("c5", slot("a"), slot("b", 4, "BOOKED", 10)))).toBe(1);
});

test("an older copy that comes another way changes nothing", () => {
  store.receive(CALENDAR, snapshot("c1", slot("a", 5, "BOOKED")));
  store.put([slot("a", 4, "AVAILABLE"), slot("unknown", 1)]);
  expect(statuses()).toEqual([["a", "BOOKED"]]);
  store.put([slot("a", 6, "AVAILABLE")]);
  expect(statuses()).toEqual([["a", "AVAILABLE"]]);
});

test("only a change of a picture that was there is marked as one", () => {
  store.receive(CALENDAR, snapshot("c1", slot("a"), slot("b", 1, "AVAILABLE", 10)));
  store.receive(CALENDAR, change("c1", "c2", slot("b", 2, "BOOKED", 10)));
  expect([store.slot("a")!.changedAt, store.slot("b")!.changedAt]).toEqual([0, 1000]);
});

test("a burst is told once, after 50 milliseconds, to those whom it concerns", () => {
  store.receive(CALENDAR, snapshot("c1", slot("a"), slot("b", 1, "AVAILABLE", 10)));
  const told = { a: vi.fn(), b: vi.fn(), list: vi.fn() };
  store.subscribe("a", told.a);
  store.subscribe("b", told.b);
  store.subscribe(CALENDAR, told.list);
  for (let version = 2; version < 40; version++) {
    store.receive(CALENDAR, change(`c${version - 1}`, `c${version}`, slot("a", version, "BOOKED")));
  }
  vi.advanceTimersByTime(49);
  expect(told.a).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(told.a).toHaveBeenCalledTimes(1);
  expect(told.b).not.toHaveBeenCalled();
  expect(told.list).not.toHaveBeenCalled();
});

test("whoever looks at the list is told when a slot comes, goes or moves", () => {
  store.receive(CALENDAR, snapshot("c1", slot("a")));
  const told = vi.fn();
  store.subscribe(CALENDAR, told);
  const before = store.ids(CALENDAR);
  store.receive(CALENDAR, change("c1", "c2", slot("a", 2, "BOOKED")));
  vi.runAllTimers();
  expect(store.ids(CALENDAR)).toBe(before);
  store.receive(CALENDAR, change("c2", "c3", slot("b", 1, "AVAILABLE", 8)));
  vi.runAllTimers();
  expect(told).toHaveBeenCalledTimes(1);
});

test("two calendars do not meet", () => {
  store.receive(CALENDAR, snapshot("c1", slot("a")));
  store.receive("calendar_2", snapshot("d1", slot("z")));
  store.receive("calendar_2", snapshot("d2"));
  expect(store.ids("calendar_2")).toEqual([]);
  expect(statuses()).toEqual([["a", "AVAILABLE"]]);
  store.forget(CALENDAR);
  expect([store.isKnown(CALENDAR), store.slot("a")]).toEqual([false, undefined]);
});
