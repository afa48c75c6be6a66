// The overview: today's numbers are live, the others are those of the period.

import { afterEach, expect, test } from "vitest";
import { ask, complaints, expectAccessible, opened, PHONE, shot, signIn } from "./world";

interface Doctors {
  doctors: { edges: { node: { id: string } }[] };
}

afterEach(() => expect(complaints.splice(0)).toEqual([]));

test("what opens today is counted at once, and a period has its numbers", async () => {
  const { doctors } = await ask<Doctors>("{ doctors(first: 100) { edges { node { id } } } }");
  const [overview, hours] = [await opened(), await opened()];
  await Promise.all([
    signIn(overview, "reception", "/dashboard"),
    signIn(hours, "admin", `/availability?of=${doctors.edges[3]!.node.id}`),
  ]);
  const free = overview.locator("dl").first().locator("div").first().locator("dd");
  await overview.getByText("Live", { exact: true }).waitFor();
  await overview.waitForFunction(() => /^\d+$/.test(document.querySelector("dd")!.textContent));
  const before = Number(await free.innerText());

  const reason = `Tonight ${Date.now()}`;
  await hours.getByLabel("What", { exact: true }).selectOption("EXTRA_HOURS");
  await hours.getByLabel("Until", { exact: true }).fill("00:00");
  await hours.getByLabel("From", { exact: true }).last().fill("00:00");
  await hours.getByLabel("Slot minutes").last().fill("5");
  await hours.getByLabel("Reason (optional)").fill(reason);
  await hours.getByRole("button", { name: "Add", exact: true }).click();
  const line = hours.getByRole("listitem").filter({ hasText: reason });
  await line.waitFor();
  const isMore = (than: number) => Number(document.querySelector("dd")!.textContent) > than;
  await overview.waitForFunction(isMore, before);
  await line.getByRole("button", { name: /^Remove/ }).click();
  await overview.waitForFunction((than) => Number(document.querySelector("dd")!.textContent) <= than, before);

  await overview.getByLabel("Period").selectOption({ label: "The next 28 days" });
  const table = overview.getByRole("table", { name: "Appointments by day" });
  await overview.waitForFunction(() => document.querySelectorAll("table")[0]?.querySelectorAll("tbody tr").length === 28);
  const all = await table.locator("tbody tr td:nth-child(2)").allInnerTexts();
  const told = await overview.locator("dl").nth(1).locator("dd").first().innerText();
  expect(all.reduce((sum, count) => sum + Number(count), 0)).toBe(Number(told));
  await expectAccessible(overview);
  await shot(overview, "dashboard");
  await Promise.all([overview.context().close(), hours.context().close()]);
});

test("a doctor sees the numbers of nobody else, on a phone as well", async () => {
  const page = await opened({ ...PHONE, colorScheme: "dark" });
  await signIn(page, "doctor", "/dashboard");
  const doctors = page.getByRole("table", { name: "Time taken by doctor" });
  await doctors.waitFor();
  expect(await doctors.locator("tbody tr").count()).toBe(1);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  await expectAccessible(page);
  await shot(page, "dashboard-phone");
  await page.context().close();
});
