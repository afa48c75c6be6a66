// urql, with its subscriptions over graphql-ws as its documentation has them.

import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { connect } from "./graphql-ws.mjs";
import { CHANGES } from "./view.mjs";

export function watch(url, token, view) {
  const socket = connect(url, token);
  const client = new Client({
    url,
    preferGetMethod: false,
    exchanges: [
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query }) => ({
          // Not the variables of the operation, which are a copy: its `after` would never change.
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe({ query, variables: view.variables }, sink),
          }),
        }),
      }),
    ],
  });
  const { unsubscribe } = client
    .subscription(CHANGES, { ...view.variables })
    .subscribe(({ data, error }) => {
      // Looked at first: beside an error urql shows the data of the update before.
      if (error) {
        const { code, reason } = error.networkError;
        view.refuse({ code, reason });
      } else if (!view.apply(data.calendarChanges)) {
        socket.terminate();
      }
    });
  return unsubscribe;
}
