// Runs the audits of graphql-http, the reference for GraphQL over HTTP, against a server:
//
//   node audit.mjs http://127.0.0.1:8000/graphql
//
// Prints one JSON document. Failing audits are findings and not a failure of this script: judging
// them is up to the caller. AUDIT_HEADERS may hold a JSON object of headers to send along.

import { auditServer } from "graphql-http";

const [url] = process.argv.slice(2);
if (!url) {
  console.error("usage: node audit.mjs URL");
  process.exit(2);
}

const extraHeaders = JSON.parse(process.env.AUDIT_HEADERS ?? "{}");

const results = await auditServer({
  url,
  fetchFn: (input, init = {}) =>
    fetch(input, { ...init, headers: { ...extraHeaders, ...init.headers } }),
});

const notOk = results
  .filter(({ status }) => status !== "ok")
  .map(({ id, name, status, reason }) => ({ id, name, status, reason }));

console.log(
  JSON.stringify({ total: results.length, ok: results.length - notOk.length, notOk }, null, 2),
);
