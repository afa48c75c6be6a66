// graphql-sse in its distinct connections mode, for where WebSockets do not get through.

import { createClient } from "graphql-sse";
import { wait } from "./graphql-ws.mjs";
import { CHANGES } from "./view.mjs";

const UNAUTHORIZED = 401;

export function watch(url, token, view) {
  let status;
  const client = createClient({
    url,
    headers: { authorization: `Bearer ${token}` },
    retryAttempts: Infinity,
    // It is not told why a connection failed, so the last status is looked at.
    fetchFn: async (input, init) => {
      status = undefined;
      const response = await fetch(input, init);
      status = response.status;
      return response;
    },
    retry: (retries) => {
      if (status === UNAUTHORIZED) throw new Error(`Answered with ${status}`);
      return wait(Math.random() * Math.min(1_000, 100 * 2 ** retries));
    },
  });
  let stop;
  begin();
  return () => stop();

  function begin() {
    stop = client.subscribe(
      { query: CHANGES, variables: view.variables },
      {
        next({ data }) {
          if (!view.apply(data.calendarChanges)) {
            stop();
            begin();
          }
        },
        error: ({ message }) => view.refuse(message),
        complete: () => {},
      },
    );
  }
}
