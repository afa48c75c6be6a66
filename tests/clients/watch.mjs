// Watches one calendar with every JavaScript client at once, until standard input ends:
//
//   node watch.mjs '{"url": "http://…", "token": "…", "window": {"calendar": …, "from": …, "to": …}}'
//
// Each line of standard output is what one client knows after an update, or why it was refused:
//
//   {"client": "urql", "reset": true, "slots": [{"id": …}, …]}
//   {"client": "urql", "refused": …}
//
// There is no call of process.exit: a client that leaves something open keeps this program alive.

import { View } from "./libraries/view.mjs";
import * as apollo from "./libraries/apollo.mjs";
import * as eventsource from "./libraries/eventsource.mjs";
import * as graphqlSse from "./libraries/graphql-sse.mjs";
import * as graphqlWs from "./libraries/graphql-ws.mjs";
import * as relay from "./libraries/relay.mjs";
import * as urql from "./libraries/urql.mjs";

const clients = {
  "graphql-ws": graphqlWs,
  "graphql-sse": graphqlSse,
  eventsource,
  urql,
  apollo,
  relay,
};
const { url, token, window } = JSON.parse(process.argv[2]);

const stops = Object.entries(clients).map(([name, { watch }]) => {
  const tell = (what) => console.log(JSON.stringify({ client: name, ...what }));
  return watch(url, token, new View(window, tell));
});

process.stdin.on("end", () => stops.forEach((stop) => stop())).resume();
