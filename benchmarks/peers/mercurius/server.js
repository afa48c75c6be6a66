// Mercurius on Fastify with its JIT, as its own pages recommend it for speed: compiled queries,
// batched loaders, prepared statements. The SQL is that of the bare endpoint; there are no rights
// and no rules.
import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import Fastify from "fastify"
import { GraphQLScalarType } from "graphql"
import mercurius from "mercurius"
import pg from "pg"

const PAGE = 20
const CONNECTIONS = 10
const EXCLUSION_VIOLATION = "23P01"

const sql = Object.fromEntries(
  ["month", "doctors", "departments", "next_free", "book"].map((name) => [
    name,
    readFileSync(new URL(`../../sql/${name}.sql`, import.meta.url), "utf8"),
  ]),
)

const pool = new pg.Pool({ ...address(process.env.DATABASE_URL), max: CONNECTIONS, min: CONNECTIONS })
const [{ id: organization }] = (await pool.query("SELECT id FROM organizations")).rows
const [{ id: receptionist }] = (
  await pool.query("SELECT id FROM users WHERE role = 'RECEPTIONIST'")
).rows

// A statement with a name is prepared once in each connection.
const rows = async (name, ...values) => (await pool.query({ name, text: sql[name], values })).rows

const schema = `
  scalar DateTime
  enum SlotStatus { AVAILABLE HELD BOOKED BLOCKED REMOVED }
  type Slot { id: ID! startsAt: DateTime! endsAt: DateTime! status: SlotStatus! }
  type Calendar { slots(from: DateTime!, to: DateTime!): [Slot!]! }
  type Department { id: ID! name: String! }
  type Doctor { id: ID! name: String! department: Department nextAvailableSlot: Slot }
  type DoctorEdge { node: Doctor! }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
  type DoctorConnection { edges: [DoctorEdge!]! pageInfo: PageInfo! }
  type Appointment { status: String! startsAt: DateTime! }
  interface UserError { code: String! }
  type SlotTaken implements UserError { code: String! }
  type BookAppointmentPayload { appointment: Appointment errors: [UserError!]! }
  input BookAppointmentInput { slotId: ID!, patientId: ID! }
  type Query {
    calendar(id: ID!): Calendar
    doctors(first: Int!, after: String): DoctorConnection!
  }
  type Mutation { bookAppointment(input: BookAppointmentInput!): BookAppointmentPayload! }
`

const resolvers = {
  DateTime: new GraphQLScalarType({
    name: "DateTime",
    serialize: (instant) => `${instant.toISOString().slice(0, 19)}Z`,
    parseValue: (text) => new Date(text),
  }),
  Query: {
    calendar: (_, { id }) => ({ id: key(id) }),
    doctors: (_, { after }) => page(after),
  },
  Calendar: { slots: ({ id }, window) => rows("month", id, window.from, window.to) },
  Slot: {
    id: (slot) => globalId("slot", slot.id),
    startsAt: (slot) => slot.starts_at,
    endsAt: (slot) => slot.ends_at,
  },
  Doctor: { id: (doctor) => globalId("doctor", doctor.id) },
  Mutation: { bookAppointment: (_, { input }) => booked(input) },
}

const loaders = {
  Doctor: {
    department: (asked) =>
      inOrder(asked, "department_id", (ids) => rows("departments", organization, ids), "id"),
    nextAvailableSlot: (asked) =>
      inOrder(asked, "calendar_id", (ids) => rows("next_free", ids, new Date()), "calendar_id"),
  },
}

async function inOrder(asked, column, load, by) {
  const ids = [...new Set(asked.map(({ obj }) => obj[column]))]
  const found = new Map((await load(ids)).map((row) => [row[by], row]))
  return asked.map(({ obj }) => found.get(obj[column]) ?? null)
}

async function page(after) {
  const [, name, id] = after
    ? JSON.parse(Buffer.from(after, "base64url"))
    : ["", "", "00000000-0000-0000-0000-000000000000"]
  const found = await rows("doctors", organization, name, id)
  const shown = found.slice(0, PAGE)
  const last = shown.at(-1)
  const end = JSON.stringify(["doctors", last.name, last.id])
  return {
    edges: shown.map((node) => ({ node })),
    pageInfo: {
      hasNextPage: found.length > PAGE,
      endCursor: padded(Buffer.from(end).toString("base64url")),
    },
  }
}

async function booked({ slotId, patientId }) {
  const code = randomBytes(4).toString("hex").toUpperCase()
  const reference = `${code.slice(0, 4)}-${code.slice(4)}`
  const values = [key(slotId), key(patientId), reference, receptionist, organization]
  const [made] = await rows("book", ...values).catch((error) => {
    if (error.code === EXCLUSION_VIOLATION) return []
    throw error
  })
  if (made === undefined) {
    return { appointment: null, errors: [{ __typename: "SlotTaken", code: "SLOT_TAKEN" }] }
  }
  return { appointment: { status: "BOOKED", startsAt: made.starts_at }, errors: [] }
}

function globalId(kind, id) {
  return `${kind}_${id.replaceAll("-", "")}`
}

function key(id) {
  return id.slice(id.lastIndexOf("_") + 1)
}

function padded(text) {
  return text.padEnd(Math.ceil(text.length / 4) * 4, "=")
}

// The address is one of SQLAlchemy; with a socket's folder it is none that a URL may be.
function address(url) {
  const [, user, database, query] = /^[^:]+:\/\/([^@]*)@[^/]*\/([^?]*)\??(.*)$/.exec(url)
  const { host, port } = Object.fromEntries(new URLSearchParams(query))
  return { user, database, host, port: Number(port) }
}

const app = Fastify({ logger: false })
app.register(mercurius, { schema, resolvers, loaders, jit: 1, path: "/graphql" })
await app.listen({ host: "127.0.0.1", port: Number(process.env.PORT) })
