// Administration: one thing is made, refused at its field, changed and archived; and who may see what.

import { afterEach, expect, test } from "vitest";
import { complaints, expectAccessible, opened, PHONE, shot, signIn } from "./world";

afterEach(() => expect(complaints.splice(0)).toEqual([]));

test("a room is made, changed and archived, and a name that is taken is told at its field", async () => {
  const page = await opened();
  await signIn(page, "admin", "/administration/rooms");
  const name = `Room ${Date.now()}`;
  const taken = await page.locator("tbody th").first().innerText();
  await page.getByRole("button", { name: "New room" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill(taken.split("\n")[0]!);
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText("There is one with this name already.").waitFor();
  expect(await dialog.getByLabel("Name").getAttribute("aria-invalid")).toBe("true");
  await expectAccessible(page);
  await shot(page, "administration-refused");
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: `Edit: ${name}` }).click();
  await dialog.getByLabel("Office").selectOption({ index: 1 });
  await dialog.getByRole("button", { name: "Save" }).click();
  const row = page.getByRole("row").filter({ hasText: name });
  await page.waitForFunction((room) => {
    const found = [...document.querySelectorAll("tr")].find((one) => one.textContent.includes(room));
    return found?.querySelectorAll("td")[0]?.textContent !== "";
  }, name);
  await page.getByRole("button", { name: `Edit: ${name}` }).click();
  await dialog.getByRole("button", { name: "Archive" }).click();
  await dialog.getByRole("button", { name: "Archive it now" }).click();
  await row.waitFor({ state: "detached" });
  await page.context().close();
});

test("the front desk finds patients and nothing else, on a phone as well", async () => {
  const page = await opened({ ...PHONE, colorScheme: "dark" });
  await signIn(page, "reception", "/administration/users");
  await page.waitForURL("**/administration/patients");
  await page.getByLabel("Search").fill("Rosado");
  await page.getByRole("row").filter({ hasText: "Rosado" }).first().waitFor();
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length < 20);
  expect(await page.getByRole("link", { name: "Accounts" }).count()).toBe(0);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  await expectAccessible(page);
  await shot(page, "administration-phone");
  await page.context().close();
});
