// Every page in both color schemes, on a desktop and on a phone: nothing that axe knows is wrong, nothing is
// wider than the screen, nothing is complained of. With SHOTS a picture of each is kept in that folder.

import { mkdirSync } from "node:fs";
import type { Page } from "playwright";
import { afterEach, beforeAll, expect, test } from "vitest";
import { act, ask, complaints, expectAccessible, opened, SHOTS, signIn, tokenOf, type Login } from "./world";

const DESKTOP = { width: 1360, height: 860 };
const PHONE = { width: 360, height: 740 };

interface Shown {
  name: string;
  path: string;
  as: Login | null;
  /** What is there once the page is. */
  ready: string;
}

let slotId = "";
let day = "";
let slug = "";
const PAGES: Shown[] = [
  { name: "sign-in", path: "/sign-in", as: null, ready: "form" },
  { name: "sign-up", path: "/sign-up", as: null, ready: "form" },
  { name: "forgot-password", path: "/forgot-password", as: null, ready: "form" },
  { name: "reset-password", path: "/reset-password#secret", as: null, ready: "form" },
  { name: "accept-invitation", path: "/accept-invitation#secret", as: null, ready: "form" },
  { name: "confirm-email", path: "/confirm-email#secret", as: null, ready: "form" },
  { name: "not-found", path: "/nothing", as: null, ready: "h1" },
  { name: "book", path: "/book", as: null, ready: "article a" },
  { name: "event", path: "/e/SLUG", as: null, ready: '[role="radio"], input[type="radio"]' },
  { name: "event-unknown", path: "/e/nothing", as: null, ready: "h1" },
  { name: "confirm", path: "/book/SLOT", as: "patient", ready: '[role="timer"]' },
  { name: "appointments", path: "/appointments", as: "patient", ready: 'a[href^="/appointments/"]' },
  { name: "waitlist", path: "/waitlist", as: "patient", ready: "form" },
  { name: "profile", path: "/profile", as: "patient", ready: "form" },
  { name: "forbidden", path: "/calendar", as: "patient", ready: "h1" },
  { name: "calendar-day", path: "/calendar?date=DAY", as: "reception", ready: '[role="gridcell"]' },
  { name: "calendar-week", path: "/calendar?view=week&date=DAY", as: "reception", ready: '[role="gridcell"]' },
  { name: "calendar-month", path: "/calendar?view=month&date=DAY", as: "reception", ready: "[data-day] b" },
  { name: "calendar-doctor", path: "/calendar?date=DAY", as: "doctor", ready: "[data-slot]" },
];

const CREATE_EVENT = `mutation ($input: CreateEventInput!) {
  payload: createEvent(input: $input) { event { id slug } errors { ... on UserError { message } } }
}`;
const PUBLISH = `mutation ($input: PublishEventInput!) {
  payload: publishEvent(input: $input) { event { id } errors { ... on UserError { message } } }
}`;
const FIRST = `query ($from: DateTime!) {
  openings(search: { from: $from }, first: 1) { edges { node { startsAt slot { id } } } }
}`;

beforeAll(async () => {
  if (SHOTS) mkdirSync(SHOTS, { recursive: true });
  const later = new Date(Date.now() + 3 * 86_400_000).toISOString();
  const { openings } = await ask<{ openings: { edges: { node: { startsAt: string; slot: { id: string } } }[] } }>(FIRST, { from: later });
  const { node } = openings.edges[0]!;
  [slotId, day] = [node.slot.id, node.startsAt.slice(0, 10)];
  const token = await tokenOf("admin");
  const { event } = await act<{ event: { id: string; slug: string } }>(CREATE_EVENT, token, {
    title: "Vaccination evening",
    description: "Come as you are, with your vaccination card.",
    date: day,
    perPersonLimit: 2,
    slots: [
      { startTime: "17:00", endTime: "17:30", capacity: 8 },
      { startTime: "17:30", endTime: "18:00", capacity: 8 },
    ],
  });
  await act(PUBLISH, token, { eventId: event.id });
  slug = event.slug;
});
afterEach(() => expect(complaints.splice(0)).toEqual([]));

const WHO: (Login | null)[] = [null, "patient", "reception", "doctor"];

test.each(WHO.flatMap((as) => [DESKTOP, PHONE].map((viewport) => ({ as, viewport }))))(
  "every page of $as at $viewport.width pixels",
  { timeout: 180_000 },
  async ({ as, viewport }) => {
    const page = await opened({ viewport });
    if (as) await signIn(page, as);
    for (const shown of PAGES.filter((one) => one.as === as)) await check(page, shown, viewport.width);
    await page.context().close();
  },
);

async function check(page: Page, { name, path, ready }: Shown, width: number): Promise<void> {
  await page.goto(path.replace("SLOT", slotId).replace("DAY", day).replace("SLUG", slug));
  await page.locator(ready).first().waitFor();
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await expectAccessible(page);
    if (SHOTS) await page.screenshot({ path: `${SHOTS}/${name}-${width}-${colorScheme}.png` });
  }
  expect(await page.evaluate(() => document.documentElement.scrollWidth), name).toBe(width);
}

test("a guest books a place, moves and cancels it by the link, and others see the places go", async () => {
  const [guest, other] = [await opened(), await opened({ viewport: PHONE })];
  await Promise.all([guest.goto(`/e/${slug}`), other.goto(`/e/${slug}`)]);
  await other.getByText("8 places left").last().waitFor();
  await guest.getByRole("radio", { name: "17:00 – 17:30" }).check();
  await guest.getByLabel("Your name").fill("Ada Guest");
  await guest.getByLabel("E-mail address").fill("ada@mail.example");
  await guest.getByRole("button", { name: "Book this place" }).click();
  await guest.getByRole("heading", { name: "You have a place" }).waitFor();
  await other.getByText("7 places left").waitFor();
  expect(guest.url()).toMatch(/#booking=[\w-]{43}$/);

  await guest.reload();
  await guest.getByRole("button", { name: "Choose another time" }).click();
  await guest.getByRole("radio", { name: "17:30 – 18:00" }).check();
  await guest.getByRole("button", { name: "Choose another time" }).click();
  await guest.getByText(/17:30$/).waitFor();
  await guest.getByRole("button", { name: "Cancel the place" }).click();
  await guest.getByRole("button", { name: "Yes, cancel it" }).click();
  await guest.getByRole("heading", { name: "This place is cancelled" }).waitFor();
  await other.getByText("7 places left").waitFor({ state: "detached" });
  expect(await other.getByText("8 places left").count()).toBe(2);
  await Promise.all([guest.context().close(), other.context().close()]);
});

test("a patient joins a line and leaves it", async () => {
  const page = await opened();
  await signIn(page, "patient", "/waitlist");
  await page.getByText("You are on no waitlist.").waitFor();
  await page.getByRole("button", { name: "Join the waitlist" }).click();
  await page.getByText("Choose a doctor or a department.").waitFor();
  await page.getByRole("combobox", { name: "Or with any doctor of a department" }).click();
  await page.getByRole("option", { name: "Cardiology" }).click();
  await page.getByRole("button", { name: "Join the waitlist" }).click();
  await page.getByText(/Place 1$/).waitFor();
  await page.getByRole("button", { name: "Leave" }).click();
  await page.getByText("You are on no waitlist.").waitFor();
  await page.context().close();
});
