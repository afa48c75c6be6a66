// A headless Chromium that can reach this machine alone, and a record of what a page did wrong.

import { chromium } from "playwright-core";

// Without these Chromium looks for updates and the like, which a closed network refuses.
const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const NO_OTHER_HOSTS = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1";

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [...QUIET, NO_OTHER_HOSTS],
  });
}

/** Opens a page and collects requests to other hosts, and whatever its console complains about. */
export async function openPage(browser, origin, options = {}) {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, ...options });
  const host = new URL(origin).host;
  const externalRequests = [];
  const complaints = [];

  const note = (address) => {
    const url = new URL(address);
    const isLocal = ["data:", "blob:"].includes(url.protocol) || url.host === host;
    if (!isLocal) externalRequests.push(address);
  };
  page.on("request", (request) => note(request.url()));
  page.on("websocket", (socket) => note(socket.url()));
  page.on("pageerror", (error) => complaints.push(`uncaught: ${error.message}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) {
      complaints.push(`${message.type()}: ${message.text()} (${message.location().url})`);
    }
  });
  return { page, externalRequests, complaints };
}
