// Lists of appointments: what the address asks for, and files that a spreadsheet may open.

import { expect, test } from "vitest";
import type { VisitPartsFragment } from "../../src/gql/graphql";
import { csvOf } from "../../src/shared/csv";
import { datesIn } from "../../src/shared/dates";
import { filterOf, wantedIn } from "../../src/visits/filter";
import { fileRows, rowOf } from "../../src/visits/rows";
import { visitWords } from "../../src/visits/words";

const MADRID = "Europe/Madrid";
const VISIT: VisitPartsFragment = {
  id: "appointment_1",
  reference: "AAAA-BBBB",
  startsAt: "2027-03-28T22:30:00Z",
  endsAt: "2027-03-28T23:00:00Z",
  status: "CANCELLED",
  patient: { id: "patient_1", name: "=HYPERLINK(\"http://evil.example\")" },
  guest: null,
  doctor: { id: "doctor_1", name: "Ada Vega" },
  visitType: null,
  event: null,
};

test.each([
  ["=1+1", "\"'=1+1\""],
  ["+34 600", "\"'+34 600\""],
  ["-1", "\"'-1\""],
  ["@SUM(A1)", "\"'@SUM(A1)\""],
  [" =1", "\"' =1\""],
  ["\t=1", "\"'\t=1\""],
  ["\tA", "\"'\tA\""],
  ["＝1", "\"'＝1\""],
  ["Ada", "Ada"],
  ["Vega, Ada", "\"Vega, Ada\""],
  ["say \"so\"", "\"say \"\"so\"\"\""],
  ["two\nlines", "\"two\nlines\""],
  ["a-b=c", "a-b=c"],
])("nothing in a file is a formula: %j", (value, written) => {
  expect(csvOf([[value, "x"]])).toBe(`\uFEFF${written},x\r\n`);
});

test("a file has a head, and days and times of the clinic", () => {
  const [head, row] = fileRows([VISIT], visitWords.en, datesIn("en"), MADRID);
  expect(head).toHaveLength(row!.length);
  expect(row).toEqual([
    "AAAA-BBBB", "2027-03-29", "00:30", "01:00", "Cancelled", VISIT.patient!.name, "Ada Vega", "",
  ]);
});

test("a row leads to its day in the calendar, where it has a doctor's", () => {
  const row = rowOf(VISIT, visitWords.en, datesIn("en"), MADRID);
  expect([row.href, row.calendarHref, row.isFaded]).toEqual([
    "/patients/patient_1", "/calendar?view=day&date=2027-03-29&doctors=doctor_1", true,
  ]);
  const guest = { ...VISIT, patient: null, guest: { name: "Gil" }, doctor: null };
  expect(rowOf(guest, visitWords.en, datesIn("en"), MADRID)).toMatchObject({ title: "Gil", calendarHref: null });
});

test("the address says what is wanted, and nonsense in it nothing", () => {
  const wanted = wantedIn(new URLSearchParams("status=BOOKED,NONSENSE&from=2027-02-30&until=2027-03-28&search= Vega "), { from: "2027-01-01" });
  expect(wanted).toEqual({ status: ["BOOKED"], doctor: "", from: "", until: "2027-03-28", search: " Vega ", isNewestFirst: false });
  expect(filterOf(wanted, MADRID)).toEqual({ status: ["BOOKED"], to: "2027-03-28T22:00:00.000Z", search: "Vega" });
  expect(wantedIn(new URLSearchParams(), { from: "2027-01-01" }).from).toBe("2027-01-01");
});
