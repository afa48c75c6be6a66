// Watching calendars: what is drawn is held in a store, and the connection brings it up to date.

import { useEffect, useMemo, useState } from "react";
import type { TypedDocumentNode } from "urql";
import { live } from "./live";
import { SlotStore, type SlotBase, type Update } from "./slots";

export interface Window {
  from: string;
  to: string;
}

type Variables = { calendarId: string; from: string; to: string; after?: string | null };

/** The slots of some calendars in a window of time, live; `isKnown` once the first picture of all came. */
export function useWatched<S extends SlotBase>(
  document: TypedDocumentNode<{ update: Update<S> }, Variables>,
  calendarIds: readonly string[],
  { from, to }: Window,
): { store: SlotStore<S>; isKnown: boolean } {
  // Another window is another picture: nothing of the old one is to be seen in it.
  const store = useMemo(() => new SlotStore<S>(), [document, from, to]);
  const [known, setKnown] = useState<SlotStore<S> | null>(null);
  const ids = calendarIds.join(" ");
  useEffect(() => {
    const watched = ids.split(" ").filter(Boolean);
    const check = () => watched.length > 0 && watched.every((id) => store.isKnown(id)) && setKnown(store);
    const stops = watched.map((calendarId) =>
      live.watch<{ update: Update<S> }, Variables>({
        document,
        variables: () => ({ calendarId, from, to, after: store.cursor(calendarId) }),
        next: ({ update }) => {
          const changed = store.receive(calendarId, update);
          check();
          return changed;
        },
        lost: () => store.forget(calendarId),
      }),
    );
    check();
    return () => {
      for (const stop of stops) stop();
    };
  }, [document, store, ids, from, to]);
  return { store, isKnown: known === store };
}
