// The free times of a day, by doctor. Who opens the page late sees what was taken meanwhile: the calendars of
// the doctors that are shown are watched.

import { useMemo } from "react";
import { Link } from "wouter";
import { MonthChangesDocument, type DayOpeningsQuery } from "../gql/graphql";
import { useDates } from "../shared/dates";
import { useSlot, type SlotBase, type SlotStore } from "../shared/slots";
import { isSameClock, ownZone } from "../shared/time";
import { useWatched, type Window } from "../shared/watching";
import { useWords } from "../shared/words";
import styles from "./booking.module.css";
import type { Wishes } from "./search";
import { bookingWords } from "./words";

export type Opening = DayOpeningsQuery["openings"]["edges"][number]["node"];

interface Props {
  openings: readonly Opening[];
  window: Window;
  wishes: Wishes;
}

// A socket carries so many views at once, and some are needed for the rest of the page.
const MOST_WATCHED = 15;

export function Openings({ openings, window, wishes }: Props) {
  const groups = useMemo(() => byDoctor(openings), [openings]);
  const watched = groups.slice(0, MOST_WATCHED).map(([first]) => first!.doctor.calendar.id);
  const { store } = useWatched(MonthChangesDocument, watched, window);
  return (
    <>
      {groups.map((group) => (
        <DoctorTimes key={group[0]!.doctor.id} group={group} store={store} wishes={wishes} />
      ))}
    </>
  );
}

function DoctorTimes({ group, store, wishes }: { group: readonly Opening[]; store: SlotStore<SlotBase>; wishes: Wishes }) {
  const words = useWords(bookingWords);
  const dates = useDates();
  const { doctor, startsAt } = group[0]!;
  const zone = doctor.calendar.timeZone;
  return (
    <article className={styles.doctor}>
      <div>
        <h3>{doctor.name}</h3>
        <p>{doctor.specialty}</p>
        <p>{doctor.office?.name}</p>
        {!isSameClock(startsAt, zone, ownZone()) && <p>{words.zone(dates.zone(zone, startsAt))}</p>}
      </div>
      <ul className={styles.times}>
        {group.map((opening) => (
          <li key={opening.slot.id}>
            <Time opening={opening} store={store} wishes={wishes} />
          </li>
        ))}
      </ul>
    </article>
  );
}

function Time({ opening, store, wishes }: { opening: Opening; store: SlotStore<SlotBase>; wishes: Wishes }) {
  const words = useWords(bookingWords);
  const dates = useDates();
  const { slot, startsAt, doctor } = opening;
  const zone = doctor.calendar.timeZone;
  const own = ownZone();
  const time = dates.time(startsAt, zone);
  const seen = useSlot(store, slot.id);
  if (seen && seen.slot.status !== "AVAILABLE") {
    return (
      <span className={styles.time} data-taken>
        {time}
        <span className="heard"> {words.taken}</span>
      </span>
    );
  }
  return (
    <Link className={styles.time} href={addressOf(slot.id, wishes)}>
      {time}
      {!isSameClock(startsAt, zone, own) && <small>{words.yours(dates.time(startsAt, own))}</small>}
      <span className="heard"> {words.with(doctor.name)}</span>
    </Link>
  );
}

/** The page on which a time is booked, with what it is booked for. */
export function addressOf(slotId: string, { visit, instead }: Pick<Wishes, "visit" | "instead">): string {
  const kept = Object.entries({ visit, instead }).filter(([, value]) => value) as [string, string][];
  const search = new URLSearchParams(kept).toString();
  return `/book/${slotId}${search && `?${search}`}`;
}

function byDoctor(openings: readonly Opening[]): Opening[][] {
  const groups = new Map<string, Opening[]>();
  for (const opening of openings) {
    const group = groups.get(opening.doctor.id) ?? [];
    groups.set(opening.doctor.id, [...group, opening]);
  }
  return [...groups.values()];
}
