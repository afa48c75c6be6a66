// Prints what JavaScript each way into the client loads before it shows something, packed, and fails where
// that is more than is allowed.

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));
const LIMIT = 250_000;
const WAYS = { sign_in: "accounts/sign-in", booking: "booking/page", calendar: "calendar/page" };

let isFine = true;
for (const [name, page] of Object.entries(WAYS)) {
  const files = new Set();
  collect("index.html", files);
  collect(`src/${page}.tsx`, files);
  const bytes = [...files].reduce((sum, file) => sum + packed(file), 0);
  const isWithin = bytes <= LIMIT;
  isFine &&= isWithin;
  console.log(`${name}: ${(bytes / 1000).toFixed(0)} kB of JavaScript${isWithin ? "" : ": TOO MUCH"}`);
}
process.exit(isFine ? 0 : 1);

/** A chunk, and what it cannot begin without. */
function collect(key, files) {
  const chunk = manifest[key];
  if (!chunk) throw new Error(`There is no ${key} in the build.`);
  if (files.has(chunk.file)) return;
  files.add(chunk.file);
  for (const imported of chunk.imports ?? []) collect(imported, files);
}

function packed(file) {
  return gzipSync(readFileSync(new URL(file, dist)), { level: 6 }).length;
}
