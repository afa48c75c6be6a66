// Working hours: what is previewed happens, month by month; what does not fit is told at its range; days are
// closed and opened again.

import { afterEach, expect, test } from "vitest";
import { ask, complaints, expectAccessible, opened, PHONE, shot, signIn } from "./world";

interface Doctors {
  doctors: { edges: { node: { id: string; name: string } }[] };
}

afterEach(() => expect(complaints.splice(0)).toEqual([]));

test("hours are previewed, saved and made; closed days come and go", async () => {
  const { doctors } = await ask<Doctors>("{ doctors(first: 20) { edges { node { id name } } } }");
  const { id } = doctors.edges.at(-1)!.node;
  const reason = `Congress ${Date.now()}`;
  const page = await opened();
  await signIn(page, "admin", `/availability?of=${id}`);
  const first = page.getByRole("group", { name: "Range 1" });
  await first.getByLabel("Slot minutes").fill("60");
  await page.getByRole("button", { name: "Preview" }).click();
  const numbers = page.locator("dl");
  await page.getByText("What would happen").waitFor();
  const previewed = await numbers.innerText();
  await expectAccessible(page);
  await shot(page, "availability");

  await page.getByRole("button", { name: "Add a range" }).click();
  const last = page.getByRole("group", { name: /^Range/ }).last();
  await last.getByLabel("From", { exact: true }).fill(await first.getByLabel("From", { exact: true }).inputValue());
  await last.getByLabel("To", { exact: true }).fill("23:00");
  await page.getByRole("button", { name: "Save and make times" }).click();
  await page.getByText("These hours overlap others on the same day.").waitFor();
  await last.getByRole("button", { name: /^Remove range/ }).click();

  await page.getByRole("button", { name: "Save and make times" }).click();
  await page.getByText("The hours are saved and the times are made").waitFor();
  expect(await numbers.innerText()).toBe(previewed);

  await page.getByLabel("Reason (optional)").fill(reason);
  await page.getByRole("button", { name: "Add", exact: true }).click();
  const closed = page.getByRole("listitem").filter({ hasText: reason });
  await closed.waitFor();
  await closed.getByRole("button", { name: /^Remove/ }).click();
  await closed.waitFor({ state: "detached" });
  await page.context().close();
});

test("a doctor sees the hours of nobody else, on a phone as well", async () => {
  const page = await opened({ ...PHONE, colorScheme: "dark" });
  await signIn(page, "doctor", "/availability");
  await page.getByRole("group", { name: "Range 1" }).waitFor();
  expect(await page.getByLabel("Whose hours").count()).toBe(0);
  expect(await page.getByText("Public holidays").count()).toBe(0);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  await expectAccessible(page);
  await shot(page, "availability-phone");
  await page.context().close();
});
