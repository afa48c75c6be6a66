// Relay's network layer and store, with graphql-ws in the subscribe function of the network.

import { Environment, Network, Observable, RecordSource, Store, requestSubscription } from "relay-runtime";
import { connect } from "./graphql-ws.mjs";
import { CHANGES } from "./view.mjs";

const scalar = (name) => ({ kind: "ScalarField", alias: null, args: null, name, storageKey: null });
const linked = (name, concreteType, values) => ({
  kind: "LinkedField",
  alias: null,
  args: null,
  plural: false,
  storageKey: null,
  name,
  concreteType,
  ...values,
});
const variable = (name, variableName) => ({ kind: "Variable", name, variableName });

const selections = [
  linked("calendarChanges", "CalendarUpdate", {
    args: [
      variable("after", "after"),
      variable("calendarId", "calendar"),
      variable("from", "from"),
      variable("to", "to"),
    ],
    selections: [
      ...["reset", "cursor", "previousCursor"].map(scalar),
      linked("slots", "Slot", {
        plural: true,
        selections: ["id", "startsAt", "endsAt", "status", "version", "bookedCount"].map(scalar),
      }),
    ],
  }),
];
const argumentDefinitions = ["calendar", "from", "to", "after"].map((name) => ({
  kind: "LocalArgument",
  defaultValue: null,
  name,
}));

/** What Relay's compiler makes of the subscription, written by hand. */
const subscription = {
  kind: "Request",
  fragment: {
    kind: "Fragment",
    name: "Watch",
    type: "Subscription",
    abstractKey: null,
    metadata: null,
    argumentDefinitions,
    selections,
  },
  operation: { kind: "Operation", name: "Watch", argumentDefinitions, selections },
  params: {
    name: "Watch",
    operationKind: "subscription",
    text: CHANGES,
    id: null,
    cacheID: "watch",
    metadata: {},
  },
};

export function watch(url, token, view) {
  const socket = connect(url, token);
  const noFetch = () => Promise.reject(new Error("Only subscriptions are sent here."));
  const network = Network.create(noFetch, ({ text }) =>
    // Not the variables of the request, which are a copy: its `after` would never change.
    Observable.create((sink) => socket.subscribe({ query: text, variables: view.variables }, sink)),
  );
  const environment = new Environment({ network, store: new Store(new RecordSource()) });
  const { dispose } = requestSubscription(environment, {
    subscription,
    variables: { ...view.variables },
    onNext: ({ calendarChanges }) => view.apply(calendarChanges) || socket.terminate(),
    onError: ({ code, reason }) => view.refuse({ code, reason }),
  });
  return dispose;
}
