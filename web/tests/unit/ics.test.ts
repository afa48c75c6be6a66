// The file that calendars read.

import { expect, test } from "vitest";
import { icsOf } from "../../src/shared/ics";
import { asUpdate } from "../../src/appointments/mine";
import { searchFor, wishesIn } from "../../src/booking/search";
import { addressOf } from "../../src/booking/openings";

const entry = {
  id: "appointment_1",
  startsAt: "2027-03-28T00:30:00Z",
  endsAt: "2027-03-28T01:30:00Z",
  title: "Appointment at Riverside, the clinic",
  place: "Riverside; Calle 1\\2",
  note: "Dr Ñandú\nReference ABCD-EFGH",
};

test("an appointment over the hour that is left out is as long as it is", () => {
  expect(icsOf(entry, new Date("2027-03-01T12:00:00.123Z")).split("\r\n")).toEqual([
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//appointments//web//EN",
    "BEGIN:VEVENT",
    "UID:appointment_1",
    "DTSTAMP:20270301T120000Z",
    "DTSTART:20270328T003000Z",
    "DTEND:20270328T013000Z",
    "SUMMARY:Appointment at Riverside\\, the clinic",
    "LOCATION:Riverside\\; Calle 1\\\\2",
    "DESCRIPTION:Dr Ñandú\\nReference ABCD-EFGH",
    "END:VEVENT",
    "END:VCALENDAR",
    "",
  ]);
});

test("no line is longer than 75 bytes, and no character is cut", () => {
  const note = "ñ".repeat(200);
  const lines = icsOf({ ...entry, note }).split("\r\n");
  for (const line of lines) expect(new TextEncoder().encode(line).length).toBeLessThanOrEqual(75);
  expect(lines.join("\r\n").replaceAll("\r\n ", "")).toContain(`DESCRIPTION:${note}`);
});

test("what is no longer one's own is taken away", () => {
  const update = { reset: false, cursor: "c2", previousCursor: "c1", appointments: [], removedIds: ["appointment_1"] };
  expect(asUpdate(update).slots).toEqual([{ id: "appointment_1", status: "REMOVED" }]);
});

test("the openings of a day are asked for in the clinic's zone, and none that are over", () => {
  const wishes = wishesIn(new URLSearchParams("part=morning&doctor=doctor_1&place=office_1"));
  const day = { day: "2027-03-28", zone: "Europe/Madrid" };
  const asked = searchFor(wishes, new Date("2027-03-01T10:00:00Z"), day);
  expect([asked.from, asked.to]).toEqual(["2027-03-27T23:00:00.000Z", "2027-03-28T22:00:00.000Z"]);
  expect([asked.earliestTime, asked.latestTime]).toEqual([null, "11:59"]);
  expect([asked.doctorIds, asked.officeId, asked.departmentId]).toEqual([["doctor_1"], "office_1", null]);
  const later = searchFor(wishes, new Date("2027-03-28T09:00:00Z"), day);
  expect(later.from).toBe("2027-03-28T09:00:00.000Z");
});

test("a time keeps what it is booked for", () => {
  expect(addressOf("slot_1", { visit: null, instead: null })).toBe("/book/slot_1");
  expect(addressOf("slot_1", { visit: "visit_type_1", instead: "appointment_1" })).toBe(
    "/book/slot_1?visit=visit_type_1&instead=appointment_1",
  );
});
