// EventSource, as every browser has it: it comes back by itself, after the three seconds that the
// standard says, and names the last event that it has seen. Nobody passes a cursor to it.

import { EventSource } from "eventsource";
import { CHANGES } from "./view.mjs";

export function watch(url, token, view) {
  let source;
  begin();
  return () => source.close();

  function begin() {
    const address = new URL(url);
    address.searchParams.set("query", CHANGES);
    address.searchParams.set("variables", JSON.stringify(view.variables));
    source = new EventSource(address, {
      fetch: (input, init) =>
        fetch(input, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } }),
    });
    source.addEventListener("next", ({ data }) => {
      if (!view.apply(JSON.parse(data).data.calendarChanges)) {
        source.close();
        begin();
      }
    });
    source.addEventListener("complete", () => source.close());
    source.addEventListener("error", ({ code, message }) => {
      if (source.readyState === EventSource.CLOSED) view.refuse({ code, reason: message });
    });
  }
}
