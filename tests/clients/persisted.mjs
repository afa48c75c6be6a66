// Apollo Client with its link for persisted queries: what it is answered, and what it sends for that.

import { createHash } from "node:crypto";
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";

const { url, slug, name } = JSON.parse(process.argv[2]);
const sent = [];

async function watched(address, options) {
  const inAddress = new URL(address).searchParams.has("query");
  const inBody = options.body ? "query" in JSON.parse(options.body) : false;
  sent.push({ method: options.method, query: inAddress || inBody });
  return fetch(address, options);
}

const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: ApolloLink.from([
    new PersistedQueryLink({
      sha256: (text) => createHash("sha256").update(text).digest("hex"),
      useGETForHashedQueries: true,
    }),
    new HttpLink({ uri: url, headers: { "x-organization": slug }, fetch: watched }),
  ]),
});
const query = gql(`query ${name} { doctors { totalCount } }`);
const answers = [];
for (let i = 0; i < 2; i++) {
  const { data } = await client.query({ query, fetchPolicy: "no-cache" });
  answers.push(data);
}
console.log(JSON.stringify({ answers, sent }));
