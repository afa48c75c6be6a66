// Administration: what forms hold becomes what the API takes, and each refusal finds its field.

import type { DocumentNode } from "graphql";
import type { Client } from "urql";
import { expect, test } from "vitest";
import { fieldOf } from "../../src/administration/fields";
import type { Doing, Values } from "../../src/administration/kind";
import { KINDS } from "../../src/administration/kinds";
import { administrationWords } from "../../src/administration/words";

/** What an act would send. */
async function sent(doing: Doing, values: Values, id = ""): Promise<object> {
  let input: object = {};
  const client = {
    mutation: (_: DocumentNode, variables: { input: object }) => {
      input = variables.input;
      return { toPromise: () => Promise.resolve({ data: { payload: { errors: [] } } }) };
    },
  } as unknown as Client;
  await doing(client, values, id);
  return input;
}

const doctor = { name: " Ada Vega ", email: "ada@clinic.example", languages: "es,  en ,", departmentId: "", title: "" };

test("what is left empty is nothing, and words between commas are a list", async () => {
  expect(await sent(KINDS["doctors"]!.create!, doctor)).toEqual({
    name: "Ada Vega", email: "ada@clinic.example", languages: ["es", "en"], departmentId: null, officeId: null, title: null, specialty: null, bio: null,
  });
});

test("a kind of visit that names nobody is offered by all when it is new, and by nobody when it is changed", async () => {
  const values = { name: "Check", minutes: "30", bufferMinutes: "" };
  expect(await sent(KINDS["visit-types"]!.create!, values)).toEqual({ name: "Check", description: null, minutes: 30, bufferMinutes: 0, roomIds: [] });
  expect(await sent(KINDS["visit-types"]!.update!, values, "visit_1")).toMatchObject({ visitTypeId: "visit_1", doctorIds: [] });
});

test("an account that is unticked may not sign in", async () => {
  expect(await sent(KINDS["users"]!.update!, { role: "ADMIN", isActive: false }, "user_1")).toEqual({ userId: "user_1", role: "ADMIN", isActive: false });
});

test.each([
  [["input", "email"], "email"],
  [["input", "languages", "0"], "languages"],
  [["input", "bio"], "bio"],
  [["input", "idempotencyKey"], null],
  [[], null],
])("what was refused at %j is told at %s", (path, field) => {
  expect(fieldOf({ code: "INVALID_INPUT", message: "", path }, KINDS["doctors"]!.fields)).toBe(field);
});

test("every kind has words for all that it shows, and only administrators have more than patients", () => {
  for (const { name, columns, fields, roles } of Object.values(KINDS)) {
    const said = [name, ...columns, ...fields.map(({ label }) => label)];
    for (const word of said) expect(administrationWords.es[word]).toBeTruthy();
    expect(roles.includes("RECEPTIONIST")).toBe(name === "patients");
  }
});
