// One slot in the grid. It listens to its own slot, so a change draws this button and nothing else.

import { memo } from "react";
import { useDates } from "../shared/dates";
import { dayOf } from "../shared/time";
import { useSlot } from "../shared/slots";
import { useWords } from "../shared/words";
import type { SlotPartsFragment } from "../gql/graphql";
import styles from "./grid.module.css";
import type { Place } from "./layout";
import { GLYPHS, stateOf, visitOf } from "./state";
import type { DeskStore } from "./store";
import { calendarWords } from "./words";

interface Props {
  store: DeskStore;
  place: Place;
  zone: string;
  /** Whose time it is, for those who do not see the column. */
  owner: string;
}

export const SlotButton = memo(function SlotButton({ store, place, zone, owner }: Props) {
  const seen = useSlot(store, place.id);
  const words = useWords(calendarWords);
  const dates = useDates();
  if (!seen) return null;
  const { slot, changedAt } = seen;
  const state = stateOf(slot);
  const label = labelOf(slot) ?? words[state];
  const time = dates.time(slot.startsAt, zone);
  const seats = slot.capacity > 1 && words.seats(slot.bookedCount, slot.capacity);
  const more = [words.until(dates.time(slot.endsAt, zone)), owner, label !== words[state] && words[state], seats];
  return (
    <button
      type="button"
      className={styles.slot}
      tabIndex={-1}
      data-cell={place.top}
      data-slot={slot.id}
      data-state={state}
      data-fresh={changedAt ? slot.version % 2 : undefined}
      style={positionOf(place)}
    >
      <span className={styles.glyph} aria-hidden>{GLYPHS[state]}</span>
      <span className="heard">{dates.wholeDay(dayOf(slot.startsAt, zone))}, </span>
      <span className={styles.time}>{time}</span>
      <span className="heard"> {more.filter(Boolean).join(", ")}, </span>
      <span className={styles.label}>{label}</span>
    </button>
  );
});

function labelOf(slot: SlotPartsFragment): string | undefined {
  return visitOf(slot)?.patient?.name;
}

function positionOf({ top, height, lane, lanes }: Place) {
  return {
    "--top": top,
    "--height": height,
    left: `${(100 * lane) / lanes}%`,
    width: `${100 / lanes}%`,
  } as React.CSSProperties;
}
