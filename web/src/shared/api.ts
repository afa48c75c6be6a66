// How pages ask the server: one client for each person who is signed in, with a cache in which every
// thing is kept once by its id, and with a token that is renewed before it ends.

import { Client, fetchExchange } from "urql";
import { authExchange } from "@urql/exchange-auth";
import { cacheExchange, type KeyingConfig } from "@urql/exchange-graphcache";
import { session } from "./session";

const GRAPHQL_URL = new URL("/graphql", location.href).href;

// An event stream, which urql would take as well, has begun before an act could have a cookie kept.
const HEADERS = {
  accept: "application/graphql-response+json, application/json",
  "x-session-cookie": "1",
};

// What has no id is kept with what it belongs to.
const NO_KEYS = [
  "AppointmentConnection", "AppointmentEdge", "AppointmentEvent", "AvailabilityPreview",
  "BookingPolicy", "CalendarUpdate", "DepartmentConnection", "DepartmentEdge", "DoctorConnection",
  "DoctorEdge", "EventConnection", "EventEdge", "Guest", "Attendee", "OfficeConnection", "OfficeEdge",
  "Opening", "OpeningConnection", "OpeningEdge", "PageInfo", "PatientConnection", "PatientEdge",
  "Session", "WaitlistEntryConnection", "WaitlistEntryEdge", "Explanation",
];
const keys: KeyingConfig = Object.fromEntries(NO_KEYS.map((name) => [name, () => null]));

export function createApi(): Client {
  return new Client({
    url: GRAPHQL_URL,
    exchanges: [cacheExchange({ keys }), authenticated(), fetchExchange],
    fetchOptions: { headers: HEADERS },
    preferGetMethod: false,
  });
}

function authenticated() {
  return authExchange(async (utils) => ({
    addAuthToOperation: (operation) =>
      session.token
        ? utils.appendHeaders(operation, { authorization: `Bearer ${session.token}` })
        : operation,
    willAuthError: () => session.isStale,
    didAuthError: (error) =>
      error.graphQLErrors.some(({ extensions }) => extensions.code === "UNAUTHENTICATED"),
    // Whoever cannot be reached now answers the operation itself with a failure.
    refreshAuth: () => session.renew().catch(() => undefined),
  }));
}
