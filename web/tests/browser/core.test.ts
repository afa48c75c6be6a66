// What must work before anything else does: signing in, and a calendar that is live between two browsers,
// through a connection that is cut.

import type { Page, WebSocketRoute } from "playwright";
import { afterEach, expect, test } from "vitest";
import { ask, complaints, expectAccessible, opened, PHONE, signedInHere, signIn } from "./world";

interface Doctors {
  doctors: { edges: { node: { id: string; nextAvailableSlot: { startsAt: string } } }[] };
}

afterEach(() => expect(complaints.splice(0)).toEqual([]));

/** The week in which a doctor of the demo has the next free time. */
async function weekOfADoctor(): Promise<string> {
  const { doctors } = await ask<Doctors>("{ doctors(first: 1) { edges { node { id nextAvailableSlot { startsAt } } } } }");
  const { id, nextAvailableSlot } = doctors.edges[0]!.node;
  return `/calendar?view=week&date=${nextAvailableSlot.startsAt.slice(0, 10)}&doctors=${id}`;
}

test("who signs in stays signed in, in every tab, until signing out anywhere", async () => {
  const page = await opened();
  await page.goto("/profile");
  await page.waitForURL("**/sign-in?next=%2Fprofile");
  await signIn(page, "reception", "/profile");
  expect(new URL(page.url()).pathname).toBe("/profile");
  await expectAccessible(page);
  const other = await page.context().newPage();
  await other.goto("/");
  await other.waitForURL("**/calendar");
  await other.reload();
  await other.getByText("Live", { exact: true }).waitFor();
  // What scripts can read holds no secret.
  const readable = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
  expect(readable).toBe('[{},{},""]');
  await page.getByRole("button", { name: "Account and settings" }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await other.waitForURL("**/sign-in?**");
  await other.goto("/profile");
  await other.getByRole("heading", { name: "Sign in" }).waitFor();
  await page.context().close();
});

test("a wrong password is refused, in the language of the page", async () => {
  const page = await opened({ locale: "es-ES" });
  await page.goto("/sign-in");
  await page.getByLabel("Correo electrónico o usuario").fill("reception@demo.example");
  await page.getByLabel("Contraseña", { exact: false }).first().fill("not the password");
  await page.locator("form button[type=submit]").click();
  await page.getByText("El usuario o la contraseña no son correctos.").waitFor();
  expect(new URL(page.url()).pathname).toBe("/sign-in");
  await page.context().close();
});

test("what one browser books, the other sees, through a connection that is cut", async () => {
  const week = await weekOfADoctor();
  const [desk, doctor] = [await opened(), await opened()];
  const line = await cuttable(doctor);
  await Promise.all([signIn(desk, "reception", week), signIn(doctor, "admin", week)]);
  const free = desk.locator('[data-state="free"]').last();
  await free.waitFor();
  const id = (await free.getAttribute("data-slot"))!;
  const seen = (state: string) => doctor.locator(`[data-slot="${id}"][data-state="${state}"]`).waitFor();
  await seen("free");

  await free.click();
  await desk.getByRole("combobox", { name: "Patient" }).fill("Rosado");
  await desk.getByRole("option").first().click();
  await desk.getByRole("button", { name: "Book for a patient" }).click();
  await desk.getByText(/^Booked for /).waitFor();
  await seen("booked");
  await expectAccessible(doctor);

  line.cut();
  await doctor.getByText("Reconnecting", { exact: true }).waitFor();
  await desk.getByRole("button", { name: "Undo" }).click();
  await desk.getByText("Undone.").waitFor();
  await desk.locator(`[data-slot="${id}"][data-state="free"]`).waitFor();
  expect(await doctor.locator(`[data-slot="${id}"]`).getAttribute("data-state")).toBe("booked");
  line.mend();
  await seen("free");
  await doctor.getByText("Connected again. 1 change applied.").waitFor();
  await doctor.getByText("Live", { exact: true }).waitFor();
  await Promise.all([desk.context().close(), doctor.context().close()]);
});

test("who is too late is told so in the dialog, and keeps what was typed", async () => {
  const week = await weekOfADoctor();
  const [late, quick] = [await opened(), await opened()];
  await Promise.all([signIn(late, "reception", week), signIn(quick, "admin", week)]);
  const free = late.locator('[data-state="free"]').last();
  await free.waitFor();
  const id = (await free.getAttribute("data-slot"))!;
  await free.click();
  await late.getByLabel("Reason (optional)").fill("A question about the knee");
  await quick.locator(`[data-slot="${id}"]`).click();
  await quick.getByRole("button", { name: "Block this time" }).click();
  await late.getByText("This time was just taken").waitFor();
  expect(await late.getByLabel("Reason (optional)").inputValue()).toBe("A question about the knee");
  await expectAccessible(late);
  await late.getByRole("alert").getByRole("button").last().click();
  await late.getByText("This time was just taken").waitFor({ state: "hidden" });
  expect(await late.getByLabel("Reason (optional)").inputValue()).toBe("A question about the knee");
  await quick.getByRole("button", { name: "Undo" }).click();
  await quick.locator(`[data-slot="${id}"][data-state="free"]`).waitFor();
  await Promise.all([late.context().close(), quick.context().close()]);
});

test("a patient with a phone books, moves and cancels, in Spanish", async () => {
  const page = await opened({ ...PHONE, locale: "es-ES", timezoneId: "America/New_York" });
  await page.goto("/book");
  const times = page.getByRole("article").first().getByRole("link");
  await times.first().waitFor();
  // Whoever is somewhere else sees both clocks.
  expect(await times.last().innerText()).toMatch(/^\d\d:\d\d\n\d\d:\d\d en su hora/);
  await expectAccessible(page);
  await times.last().click();
  await page.getByRole("main").getByRole("link", { name: "Iniciar sesión", exact: true }).click();
  await signedInHere(page, "patient");
  const heading = page.getByRole("heading", { name: "Reservar esta hora" });
  await heading.waitFor();
  await page.getByRole("timer").waitFor();
  await page.getByLabel("¿Cuál es el motivo? (opcional)").fill("Una pregunta sobre la rodilla");
  await expectAccessible(page);
  await page.getByRole("button", { name: "Confirmar la cita" }).click();
  await page.getByRole("heading", { name: "Ya tiene su cita" }).waitFor();
  await page.getByText("Una pregunta sobre la rodilla").waitFor();
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Añadir a su calendario" }).click()]);
  expect(file.suggestedFilename()).toMatch(/^[A-Z0-9]{4}-[A-Z0-9]{4}\.ics$/);

  const appointment = new URL(page.url()).pathname;
  await page.getByRole("link", { name: "Elegir otra hora" }).click();
  await times.last().click();
  await page.getByRole("heading", { name: "Cambiar a esta hora" }).waitFor();
  await page.getByRole("button", { name: "Confirmar la hora nueva" }).click();
  await page.getByRole("heading", { name: "Su cita tiene otra hora" }).waitFor();
  expect(new URL(page.url()).pathname).toBe(appointment);

  await page.getByRole("button", { name: "Anular la cita" }).click();
  await page.getByRole("button", { name: "Sí, anularla" }).click();
  await page.getByText("Anulada", { exact: true }).waitFor();
  await page.getByRole("link", { name: "Todas mis citas" }).click();
  await page.getByRole("heading", { name: "Próximas" }).waitFor();
  await page.locator('a[href^="/appointments/"]').first().waitFor();
  expect(await page.locator(`a[href="${appointment}"]`).count()).toBe(0);
  await expectAccessible(page);
  // Nothing is wider than the phone.
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  await page.context().close();
});

test("whoever comes while the server is away is told so, and goes on by itself", async () => {
  const page = await opened();
  await page.route("**/session", (route) => route.abort());
  await page.goto("/book");
  await page.getByRole("heading", { name: "The clinic's server cannot be reached." }).waitFor();
  complaints.splice(0);
  await page.unroute("**/session");
  await page.getByRole("heading", { name: "Book an appointment" }).waitFor();
  await page.context().close();
});

test("the keys of the calendar are on a sheet, and are not opened by writing", async () => {
  const page = await opened();
  await signIn(page, "reception", await weekOfADoctor());
  await page.locator('[data-state="free"]').first().waitFor();
  await page.keyboard.press("?");
  const sheet = page.getByRole("dialog", { name: "Keys of the calendar" });
  await sheet.getByText("To the next column").waitFor();
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await sheet.waitFor({ state: "hidden" });
  await page.locator('[data-state="free"]').last().click();
  await page.getByLabel("Reason (optional)").fill("");
  await page.keyboard.type("?");
  expect(await page.getByLabel("Reason (optional)").inputValue()).toBe("?");
  expect(await sheet.count()).toBe(0);
  await page.context().close();
});

/** Lets the test cut a page's sockets, and keep them cut. */
async function cuttable(page: Page) {
  const open = new Set<WebSocketRoute>();
  let isCut = false;
  await page.routeWebSocket("**/graphql", (socket) => {
    if (isCut) {
      void socket.close();
      return;
    }
    const server = socket.connectToServer();
    open.add(socket);
    server.onClose(() => open.delete(socket));
  });
  return {
    cut() {
      isCut = true;
      for (const socket of open) void socket.close();
      open.clear();
    },
    mend() {
      isCut = false;
    },
  };
}
