// Apollo Client with GraphQLWsLink and its normalized cache.

import { ApolloClient, ApolloLink, InMemoryCache, gql } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { connect } from "./graphql-ws.mjs";
import { CHANGES } from "./view.mjs";

export function watch(url, token, view) {
  const socket = connect(url, token);
  // Variables are copied on their way to the link, and a copy of `after` would never change.
  const resuming = new ApolloLink((operation, forward) => {
    operation.variables = view.variables;
    return forward(operation);
  });
  const client = new ApolloClient({
    link: resuming.concat(new GraphQLWsLink(socket)),
    cache: new InMemoryCache(),
  });
  const subscription = client
    .subscribe({ query: gql(CHANGES), variables: { ...view.variables } })
    .subscribe({
      next({ data, error }) {
        if (error) {
          view.refuse(error.message);
        } else if (!view.apply(asAskedFor(data.calendarChanges))) {
          socket.terminate();
        }
      },
      error: ({ message }) => view.refuse(message),
    });
  return () => subscription.unsubscribe();
}

/** Without the types that the cache asks for on its own account. */
function asAskedFor(update) {
  return { ...update, slots: update.slots.map(({ __typename, ...slot }) => slot) };
}
