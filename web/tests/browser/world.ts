// The world of the browser tests: Chromium, which can reach this machine alone, and a server with the
// demo's data at SERVER_URL, started by whoever runs the tests. Nothing of it is imitated.

import { readFileSync } from "node:fs";
import axe from "axe-core";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright";
import { afterAll, beforeAll, expect } from "vitest";

export const ORIGIN = process.env["SERVER_URL"] ?? "http://127.0.0.1:8000";
export const SHOTS = process.env["SHOTS"];
const QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"];
const NO_OTHER_HOSTS = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1";

export const PHONE: BrowserContextOptions = { viewport: { width: 360, height: 740 }, hasTouch: true };

let browser: Browser;
let password: string;

beforeAll(async () => {
  const answer = await fetch(`${ORIGIN}/session`, { method: "POST", headers: { origin: ORIGIN } });
  const { demoAccounts } = (await answer.json()) as { demoAccounts: { password: string }[] };
  password = demoAccounts[0]!.password;
  browser = await chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? chromiumOfTheProject(),
    args: [...QUIET, NO_OTHER_HOSTS],
  });
});
afterAll(() => browser.close());

/** A browser of somebody's own, which must not complain: what it says on its console fails the test. */
export async function opened(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({
    baseURL: ORIGIN,
    locale: "en-GB",
    timezoneId: "Europe/Madrid",
    viewport: { width: 1360, height: 860 },
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  return page;
}

export const complaints: string[] = [];

export type Login = "admin" | "reception" | "doctor" | "patient";

export async function signIn(page: Page, login: Login, to = "/"): Promise<void> {
  await page.goto(`/sign-in?next=${encodeURIComponent(to)}`);
  await signedInHere(page, login);
}

/** Fills in the form for signing in. */
export async function signedInHere(page: Page, login: Login): Promise<void> {
  await page.locator("input[name=login]").fill(`${login}@demo.example`);
  await page.locator("input[name=password]").fill(password);
  await page.locator("form button[type=submit]").click();
  await page.waitForURL((url) => url.pathname !== "/sign-in");
}

/** Asks the server directly, for what a page does not tell. */
export async function ask<Data>(query: string, variables: object = {}, token?: string): Promise<Data> {
  const response = await fetch(`${ORIGIN}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data: Data; errors?: object[] };
  expect(errors).toBeUndefined();
  return data;
}

/** Has an act done elsewhere, written with the alias `payload`; it must not be refused. */
export async function act<Payload>(query: string, token: string | undefined, input: object): Promise<Payload> {
  const { payload } = await ask<{ payload: Payload & { errors: object[] } }>(query, { input }, token);
  expect(payload.errors).toEqual([]);
  return payload;
}

export async function tokenOf(login: Login): Promise<string> {
  const query = `mutation ($input: SignInInput!) {
    payload: signIn(input: $input) { session { accessToken } errors { ... on UserError { message } } }
  }`;
  const { session } = await act<{ session: { accessToken: string } }>(query, undefined, { login, password });
  return session.accessToken;
}

/** Nothing that axe knows is wrong with a page. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.getByRole("heading", { level: 1 }).first().waitFor();
  // The policy of our pages forbids foreign scripts; what the test evaluates is not the page's.
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const { violations } = await (window as unknown as { axe: typeof axe }).axe.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html }) => html).join(" ")}`);
  });
  expect(found).toEqual([]);
}

function chromiumOfTheProject(): string {
  return readFileSync(new URL("../../../.data/chromium", import.meta.url), "utf8").trim();
}

/** A picture of the page, where somebody wants some. */
export async function shot(page: Page, name: string): Promise<void> {
  if (SHOTS) await page.screenshot({ path: `${SHOTS}/${name}.png`, fullPage: true });
}
