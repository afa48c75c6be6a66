// Appointments: filtered in the address, exported as they are filtered, and from there to a patient and to a
// day on paper.

import { readFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { complaints, expectAccessible, opened, PHONE, shot, signIn } from "./world";

afterEach(() => expect(complaints.splice(0)).toEqual([]));

test("what is filtered is what is exported, and leads to a patient and to the day", async () => {
  const page = await opened();
  await signIn(page, "reception", "/visits?from=&order=newest");
  await page.getByRole("combobox", { name: "Status" }).click();
  await page.getByRole("option", { name: "No-show" }).click();
  await page.keyboard.press("Escape");
  await page.waitForURL("**status=NO_SHOW**");
  await page.waitForFunction(() => {
    const rows = [...document.querySelectorAll("tbody tr")];
    return rows.length > 0 && rows.every((row) => row.textContent.includes("No-show"));
  });
  await expectAccessible(page);
  await shot(page, "visits");
  const all = Number(/\d+/.exec(await page.getByText(/ in all$/).innerText())![0]);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Export (CSV)" }).click(),
  ]);
  const lines = readFileSync(await download.path(), "utf8").trimEnd().split("\r\n");
  expect([lines.length, lines.slice(1).every((line) => line.includes(",No-show,"))]).toEqual([all + 1, true]);

  const person = page.locator("tbody th a").first();
  const name = await person.innerText();
  await person.click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
  await page.getByRole("table", { name: "History" }).getByRole("cell", { name: "No-show" }).first().waitFor();
  await expectAccessible(page);
  await shot(page, "patient");
  await page.context().close();
});

test("a doctor's day is on one sheet, and on paper it is nothing but the sheet", async () => {
  const page = await opened({ ...PHONE, colorScheme: "dark" });
  await signIn(page, "doctor", "/visits/day");
  await page.getByRole("button", { name: "Print" }).waitFor();
  expect(await page.getByLabel("Doctor").count()).toBe(0);
  await expectAccessible(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  expect(await page.getByRole("button", { name: "Print" }).isVisible()).toBe(false);
  expect(await page.getByRole("navigation").isVisible()).toBe(false);
  expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe("rgb(255, 255, 255)");
  expect(await page.evaluate(() => getComputedStyle(document.querySelector("h1")!).color)).toBe("rgb(0, 0, 0)");
  await page.context().close();
});
