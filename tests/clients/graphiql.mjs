// Drives GraphiQL as a newcomer would, in a headless Chromium that can reach no other host:
//
//   node graphiql.mjs http://127.0.0.1:8000 OUTDIR
//
// The server must run with demo data. Screenshots go to OUTDIR, one line of JSON with the findings
// to standard output; the exit code is 1 as soon as one step fails.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { buildClientSchema, getIntrospectionQuery, parse, validate } from "graphql";
import { act, request, signIn } from "./api.mjs";
import { launch, openPage } from "./browser.mjs";

const [origin, outdir] = process.argv.slice(2);
if (!origin || !outdir) {
  console.error("usage: node graphiql.mjs URL OUTDIR");
  process.exit(2);
}

const endpoint = new URL("/graphql", origin).href;
const patience = 20_000;
const findings = { ok: false, steps: [], externalRequests: [], complaints: [], screenshots: [] };

await mkdir(outdir, { recursive: true });
const browser = await launch();
const { page, externalRequests, complaints } = await openPage(browser, origin);
page.setDefaultTimeout(patience);

const tokens = new Set();
page.on("request", (sent) => {
  const { authorization } = sent.headers();
  if (authorization) tokens.add(authorization.replace("Bearer ", ""));
});

try {
  await drive();
  findings.ok = true;
} catch (error) {
  findings.error = error.message;
  await screenshot("failure");
} finally {
  await browser.close();
}
console.log(JSON.stringify({ ...findings, externalRequests, complaints }));
process.exit(findings.ok ? 0 : 1);

async function drive() {
  await step("opens without an account", async () => {
    await page.goto(endpoint);
    await waitFor("an operation in the editor", () => text("operation.graphql"));
    await screenshot("1-start");
  });

  await step("the documentation shows the schema", async () => {
    await page.getByLabel("Show Documentation Explorer").click();
    await page.getByRole("link", { name: "Query", exact: true }).click();
    await page.getByRole("link", { name: "doctors", exact: true }).waitFor();
    await screenshot("2-documentation");
    await page.getByLabel("Hide Documentation Explorer").click();
  });

  await step("every example is valid", async () => {
    const schema = buildClientSchema(await request(endpoint, getIntrospectionQuery()));
    const names = await page.locator(".graphiql-tab-button").allTextContents();
    for (const name of names.reverse()) {
      const errors = validate(schema, parse(await openTab(name)));
      expect(errors.length === 0, `${name}: ${errors.join("; ")}`);
    }
    return names.length;
  });

  await step("the directory answers", async () => {
    await openTab("Doctors");
    const { data } = await run();
    expect(data?.doctors.edges.length > 0, "no doctors came back");
    await screenshot("3-directory");
  });

  const config = await (await fetch(new URL("/graphiql/config.json", origin))).json();
  const people = await Promise.all(
    config.demoAccounts.map(async (account) => ({ ...account, ...(await signIn(endpoint, account)) })),
  );
  const admin = people.find(({ user }) => user.role === "ADMIN");
  const patient = people.find(({ user }) => user.role === "PATIENT");

  await step("one click signs in", async () => {
    await signInByClick(admin);
    await screenshot("4-signed-in");
  });

  await step("a week of a calendar answers", async () => {
    await openTab("CalendarWeek");
    const { data } = await run();
    expect(data?.doctors.edges[0].node.calendar.slots, "no slots came back");
  });

  await step("a change made elsewhere shows up live", async () => {
    await openTab("WatchCalendar");
    const { calendarId } = JSON.parse(await text("variables.json"));
    const first = await run();
    expect(first.data?.calendarChanges.reset, "the first update is no reset");

    const { slots } = first.data.calendarChanges;
    const { id } = slots.findLast(({ status }) => status === "AVAILABLE");
    const { node } = await request(
      endpoint,
      "query ($id: ID!) { node(id: $id) { ... on Slot { startsAt endsAt } } }",
      { id },
    );
    const time = { calendarId, ...node };
    const showsUp = (status) =>
      waitFor(`the slot as ${status}`, async () => {
        const update = (await response()).data.calendarChanges;
        return !update.reset && update.slots.some((slot) => slot.id === id && slot.status === status);
      });

    const began = performance.now();
    await act(endpoint, admin.accessToken, "blockTime", time, "slots { id }");
    await showsUp("BLOCKED");
    const milliseconds = Math.round(performance.now() - began);
    await screenshot("5-live");

    await act(endpoint, admin.accessToken, "unblockTime", time, "slots { id }");
    await showsUp("AVAILABLE");
    await page.getByLabel(/^Stop/).click();
    return { milliseconds };
  });

  await step("a patient books, and sees the appointment", async () => {
    await signInByClick(patient);
    await openTab("BookAppointment");
    const answer = await run();
    const appointment = answer.data?.bookAppointment.appointment;
    expect(appointment, `not booked: ${JSON.stringify(answer)}`);
    await screenshot("6-booked");

    await openTab("MyAppointments");
    const { data } = await run();
    const ids = data?.appointments.edges.map(({ node }) => node.id) ?? [];
    // Only one page of appointments is shown; the total tells of the rest.
    expect(ids.includes(appointment.id) || data?.appointments.totalCount > ids.length, "not found");
    const input = { appointmentId: appointment.id };
    await act(endpoint, patient.accessToken, "cancelAppointment", input, "appointment { id }").catch(
      () => undefined, // too late to cancel, perhaps: the booking stays, which harms nobody
    );
  });

  await step("no token is stored, not even one typed by hand", async () => {
    // An operation other than the last one, or the history would not take it, headers and all.
    await openTab("Doctors");
    await setText("request-headers.json", `{ "Authorization": "Bearer ${patient.accessToken}" }`);
    await page.waitForTimeout(200);
    await run();
    await page.waitForTimeout(1_000); // GraphiQL stores with a delay
    const stored = Object.entries(await page.evaluate(() => ({ ...localStorage })));
    expect(tokens.size > 0, "no token was seen at all");
    for (const token of tokens) {
      const [key] = stored.find(([, value]) => value.includes(token)) ?? [];
      expect(!key, `a token of ${token.length} characters is in localStorage under ${key}`);
    }
  });

  await step("history lists what was run", async () => {
    await page.getByLabel("Show History").click();
    await page.locator(".graphiql-history-item", { hasText: "BookAppointment" }).first().waitFor();
    await page.emulateMedia({ colorScheme: "dark" });
    await screenshot("7-history-dark");
  });

  await step("signing out is one click as well", async () => {
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("Not signed in").waitFor();
  });

  await step("no other host was asked, and the console is clean", () => {
    expect(externalRequests.length === 0, `asked: ${externalRequests}`);
    expect(complaints.length === 0, complaints.join("; "));
  });
}

async function step(name, work) {
  const began = performance.now();
  const entry = { name, ok: false };
  findings.steps.push(entry);
  try {
    entry.found = await work();
    entry.ok = true;
  } catch (error) {
    throw new Error(`${name}: ${error.message}`);
  } finally {
    entry.seconds = Math.round(performance.now() - began) / 1000;
  }
}

async function signInByClick({ label, user }) {
  await page.getByRole("button", { name: label, exact: true }).click();
  await page.getByRole("status").filter({ hasText: `Signed in as ${user.name}` }).waitFor();
}

/** Shows the tab of an example and gives its operation. */
async function openTab(name) {
  await page.locator(".graphiql-tab-button").getByText(name, { exact: true }).click();
  await waitFor(`the tab ${name}`, async () => (await text("operation.graphql")).includes(` ${name}`));
  await page.waitForTimeout(200); // GraphiQL's history takes 100 ms to know the new operation
  return text("operation.graphql");
}

/** Runs the operation in the editor and gives its first answer. */
async function run() {
  await setText("response.json", "");
  await page.getByLabel(/^Execute query/).click();
  await waitFor("an answer", response);
  return response();
}

async function response() {
  const shown = await text("response.json");
  return shown ? JSON.parse(shown) : null;
}

/** The text of one of GraphiQL's editors. The page shows only the lines in view, so ask the editor. */
function text(name) {
  return page.evaluate((ending) => {
    const models = globalThis.__MONACO?.editor.getModels() ?? [];
    return models.find(({ uri }) => uri.path.endsWith(ending))?.getValue() ?? "";
  }, name);
}

function setText(name, value) {
  return page.evaluate(
    ([ending, content]) => {
      const models = globalThis.__MONACO.editor.getModels();
      models.find(({ uri }) => uri.path.endsWith(ending)).setValue(content);
    },
    [name, value],
  );
}

async function waitFor(what, isThere) {
  const deadline = Date.now() + patience;
  while (!(await isThere())) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await page.waitForTimeout(20);
  }
}

async function screenshot(name) {
  await page.waitForTimeout(600); // the editors check and colour their text with a delay
  const path = join(outdir, `${name}.png`);
  await page.screenshot({ path });
  findings.screenshots.push(path);
}

function expect(condition, otherwise) {
  if (!condition) throw new Error(otherwise);
}
