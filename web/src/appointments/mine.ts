// A patient's own appointments, live: the same rules as of a calendar, in the same store.

import { useEffect, useMemo, useState } from "react";
import { MyAppointmentsDocument, type MyAppointmentsSubscription, type OwnVisitPartsFragment } from "../gql/graphql";
import { live } from "../shared/live";
import { SlotStore, type Update } from "../shared/slots";

const MINE = "mine";

/** Those that are ahead, in order of time; null until they are known. */
export function useMyAppointments(): OwnVisitPartsFragment[] | null {
  const store = useMemo(() => new SlotStore<OwnVisitPartsFragment>(), []);
  const [changes, setChanges] = useState(0);
  useEffect(() => {
    const stopListening = store.subscribe(`${MINE} changed`, () => setChanges((before) => before + 1));
    const stopWatching = live.watch({
      document: MyAppointmentsDocument,
      variables: () => ({ after: store.cursor(MINE) }),
      next: ({ update }) => store.receive(MINE, asUpdate(update)),
      lost: () => store.forget(MINE),
    });
    return () => {
      stopWatching();
      stopListening();
    };
  }, [store]);
  return useMemo(() => (store.isKnown(MINE) ? ahead(store) : null), [store, changes]);
}

/** What is no longer one's own goes as a slot goes that is removed. */
export function asUpdate(update: MyAppointmentsSubscription["update"]): Update<OwnVisitPartsFragment> {
  const gone = update.removedIds.map((id) => ({ id, status: "REMOVED" }) as unknown as OwnVisitPartsFragment);
  return { ...update, slots: [...update.appointments, ...gone] };
}

function ahead(store: SlotStore<OwnVisitPartsFragment>, now = Date.now()): OwnVisitPartsFragment[] {
  return store
    .ids(MINE)
    .map((id) => store.slot(id)!.slot)
    .filter(({ status, endsAt }) => (status === "BOOKED" || status === "CHECKED_IN") && Date.parse(endsAt) > now);
}
