// Today's counts, live: the calendars of the day are watched as the calendar's own page watches them.

import { Text, Title } from "@mantine/core";
import { useCallback, useMemo, useSyncExternalStore } from "react";
import { useQuery } from "urql";
import { DashboardDoctorsDocument, TodayChangesDocument } from "../gql/graphql";
import { addDays, startOfDay, today as dayNow } from "../shared/time";
import type { SlotStore } from "../shared/slots";
import { useKnown } from "../shared/viewer";
import { useWatched } from "../shared/watching";
import { useWords } from "../shared/words";
import { countsOf, type Counts, type TodaySlot } from "./counts";
import styles from "./dashboard.module.css";
import { dashboardWords } from "./words";

// Each is an operation of its own, of which a connection has so many at once.
const MOST = 20;

export function Today({ department }: { department: string | null }) {
  const words = useWords(dashboardWords);
  const { viewer, clinic } = useKnown();
  const own = viewer?.doctor?.calendar.id;
  const [{ data }] = useQuery({ query: DashboardDoctorsDocument, variables: { department }, pause: Boolean(own) });
  const all = useMemo(
    () => (own ? [own] : (data?.doctors.edges.map(({ node }) => node.calendar.id) ?? [])),
    [own, data],
  );
  const watched = useMemo(() => all.slice(0, MOST), [all]);
  const today = dayNow(clinic.timeZone);
  const from = startOfDay(today, clinic.timeZone).toISOString();
  const to = startOfDay(addDays(today, 1), clinic.timeZone).toISOString();
  const { store, isKnown } = useWatched(TodayChangesDocument, watched, { from, to });
  const counts = useCounts(store, watched);
  return (
    <section>
      <Title order={2} size="h4">{words.today}</Title>
      <Text size="sm" c="dimmed" mb="sm">
        {words.todayHint} {all.length > MOST && words.firstOnly(MOST)}
      </Text>
      <Tiles
        tiles={(["free", "booked", "arrived", "done", "missed"] as const).map((name) => [
          words[name],
          isKnown && watched.length > 0 ? String(counts[name]) : words.unknown,
        ])}
      />
    </section>
  );
}

export function Tiles({ tiles }: { tiles: [string, string][] }) {
  return (
    <dl className={styles.tiles}>
      {tiles.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function useCounts(store: SlotStore<TodaySlot>, calendarIds: readonly string[]): Counts {
  const subscribe = useCallback(
    (listener: () => void) => {
      const stops = calendarIds.map((id) => store.subscribe(`${id} changed`, listener));
      return () => stops.forEach((stop) => stop());
    },
    [store, calendarIds],
  );
  const state = useSyncExternalStore(subscribe, () => calendarIds.map((id) => store.cursor(id)).join(" "));
  return useMemo(() => {
    const slots = calendarIds.flatMap((id) => store.ids(id).map((slotId) => store.slot(slotId)!.slot));
    return countsOf(slots, Date.now());
  }, [store, calendarIds, state]);
}
