// Words: both languages say the same things.

import { expect, test } from "vitest";
import { accountWords } from "../../src/accounts/words";
import { administrationWords } from "../../src/administration/words";
import { availabilityWords } from "../../src/availability/words";
import { dashboardWords } from "../../src/dashboard/words";
import { nextPage } from "../../src/accounts/entering";
import { ownVisitWords } from "../../src/appointments/words";
import { bookingWords } from "../../src/booking/words";
import { calendarWords } from "../../src/calendar/words";
import { placeIn, stepped } from "../../src/calendar/address";
import { chooseLanguage } from "../../src/shared/preferences";
import { kitWords } from "../../src/shared/kit-words";
import { refusalWords } from "../../src/shared/refusals";
import { counted } from "../../src/shared/words";
import { eventWords } from "../../src/events/words";
import { visitWords } from "../../src/visits/words";
import { shellWords } from "../../src/shell/words";
import { waitlistWords } from "../../src/waitlist/words";

test.each(Object.entries({
  accountWords,
  administrationWords,
  availabilityWords,
  bookingWords,
  calendarWords,
  dashboardWords,
  eventWords,
  kitWords,
  ownVisitWords,
  refusalWords,
  shellWords,
  visitWords,
  waitlistWords,
}))(
  "%s are whole in both languages",
  (_, { en, es }) => {
    expect(Object.keys(es)).toEqual(Object.keys(en));
    for (const sentence of Object.values(es)) expect(sentence).not.toBe("");
  },
);

test("one is one, and everything else is many", () => {
  chooseLanguage("en");
  expect([0, 1, 2].map((count) => counted(count, "change", "changes"))).toEqual(["0 changes", "1 change", "2 changes"]);
  expect(shellWords.en.applied(3)).toBe("Connected again. 3 changes applied.");
  chooseLanguage("es");
  expect(shellWords.es.applied(1)).toBe("Conectado de nuevo. 1 cambio aplicado.");
});

test.each([
  ["?next=%2Fprofile", "/profile"],
  ["", "/"],
  ["?next=https%3A%2F%2Fevil.example", "/"],
  ["?next=%2F%2Fevil.example", "/"],
  ["?next=%2F%5Cevil.example", "/"],
  ["?next=javascript%3Aalert(1)", "/"],
])("signing in leads to a page of this server alone: %s", (search, page) => {
  expect(nextPage(search)).toBe(page);
});

test("an address that says nonsense shows the usual page", () => {
  const usual = { view: "day" as const, day: "2027-03-01", doctorIds: ["doctor_1"] };
  const place = (search: string) => placeIn(new URLSearchParams(search), usual);
  expect(place("view=year&date=2027-13-40&doctors=,,")).toEqual(usual);
  expect(place("view=week&date=2027-03-31&doctors=a,b")).toEqual({ view: "week", day: "2027-03-31", doctorIds: ["a", "b"] });
  expect(stepped(place("view=month&date=2027-01-31"), 1)).toBe("2027-02-01");
  expect(stepped(place("view=week&date=2027-03-25"), 1)).toBe("2027-04-01");
});
