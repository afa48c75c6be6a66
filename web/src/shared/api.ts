// How pages ask the server: one client for each person who is signed in, with a cache of answers that an act
// makes stale by the types that it returns, and with a token that is renewed before it ends. What changes
// by itself is watched, and is not kept here.

import { cacheExchange, Client, fetchExchange } from "urql";
import { authExchange } from "@urql/exchange-auth";
import { session } from "./session";

const GRAPHQL_URL = new URL("/graphql", location.href).href;

// An event stream, which urql would take as well, has begun before an act could have a cookie kept.
const HEADERS = {
  accept: "application/graphql-response+json, application/json",
  "x-session-cookie": "1",
};

export function createApi(): Client {
  return new Client({
    url: GRAPHQL_URL,
    exchanges: [cacheExchange, authenticated(), fetchExchange],
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
