// graphql-ws, the reference client of graphql-transport-ws, and what the others stand on.

import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { CHANGES } from "./view.mjs";

const FORBIDDEN = 4403;

/** A client that comes back after whatever happened to its connection, unless it is not let in. */
export function connect(url, token) {
  let silence;
  const client = createClient({
    url: url.replace("http", "ws"),
    webSocketImpl: WebSocket,
    connectionParams: () => ({ authorization: `Bearer ${token}` }),
    retryAttempts: Infinity,
    shouldRetry: ({ code }) => code !== FORBIDDEN,
    retryWait: (retries) => wait(Math.random() * Math.min(1_000, 100 * 2 ** retries)),
    // A connection that is dead without having said so is found out by a ping without an answer.
    keepAlive: 300,
    on: {
      ping: (received) => received || (silence = setTimeout(() => client.terminate(), 1_000)),
      pong: (received) => received && clearTimeout(silence),
      closed: () => clearTimeout(silence),
    },
  });
  return client;
}

export function watch(url, token, view) {
  const client = connect(url, token);
  return client.subscribe(
    { query: CHANGES, variables: view.variables },
    {
      next: ({ data }) => view.apply(data.calendarChanges) || client.terminate(),
      error: ({ code, reason }) => view.refuse({ code, reason }),
      complete: () => {},
    },
  );
}

export function wait(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
