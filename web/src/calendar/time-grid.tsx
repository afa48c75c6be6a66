// Columns of times side by side: the days of one doctor, or the doctors of one day.

import { memo, useCallback, useEffect, useMemo, useRef, useState, type CSSProperties, type MouseEvent, type ReactNode } from "react";
import { dayOf, MINUTE, wallMinutes, type Day } from "../shared/time";
import { useWords } from "../shared/words";
import { useGridKeys } from "./grid-keys";
import styles from "./grid.module.css";
import { hoursShown, placesOf, scaleFor, type Place } from "./layout";
import { SlotButton } from "./slot-button";
import type { DeskStore } from "./store";
import { calendarWords } from "./words";

export interface Column {
  key: string;
  calendarId: string;
  day: Day;
  owner: string;
  header: ReactNode;
}

interface Props {
  store: DeskStore;
  columns: readonly Column[];
  zone: string;
  label: string;
  corner: string;
  onOpen(slotId: string): void;
  onPage(by: 1 | -1): void;
}

export function TimeGrid({ store, columns, zone, label, corner, onOpen, onPage }: Props) {
  const words = useWords(calendarWords);
  const places = usePlaces(store, columns, zone);
  const keys = useGridKeys({ onPage });
  const { from, to } = hoursShown(places);
  const open = useCallback(
    ({ target }: MouseEvent) => {
      const id = (target as HTMLElement).closest<HTMLElement>("[data-slot]")?.dataset["slot"];
      if (id) onOpen(id);
    },
    [onOpen],
  );
  const style = { "--from": from * 60, "--to": to * 60, "--scale": `${scaleFor(places)}px`, "--columns": columns.length };
  return (
    <div
      {...keys}
      className={styles.grid}
      role="grid"
      aria-label={`${label}. ${words.keys}`}
      onClick={open}
      style={style as CSSProperties}
    >
      <div role="row" className={styles.head}>
        <div role="columnheader" className={styles.corner}>{corner}</div>
        {columns.map(({ key, header }) => (
          <div key={key} role="columnheader" className={styles.header}>{header}</div>
        ))}
      </div>
      <div role="row" className={styles.body}>
        <Hours from={from} to={to} />
        {columns.map((column, index) => (
          <DayColumn key={column.key} store={store} column={column} places={places[index]!} zone={zone} />
        ))}
      </div>
    </div>
  );
}

const DayColumn = memo(function DayColumn({ store, column, places, zone }: {
  store: DeskStore;
  column: Column;
  places: Place[];
  zone: string;
}) {
  return (
    <div role="gridcell" className={styles.column} data-column>
      <Now day={column.day} zone={zone} />
      {places.map((place) => (
        <SlotButton key={place.id} store={store} place={place} zone={zone} owner={column.owner} />
      ))}
    </div>
  );
});

function Hours({ from, to }: { from: number; to: number }) {
  const hours = Array.from({ length: to - from }, (_, index) => from + index);
  return (
    <div role="rowheader" className={styles.hours}>
      {hours.map((hour) => (
        <span key={hour} style={{ "--top": hour * 60 } as CSSProperties}>
          {String(hour).padStart(2, "0")}:00
        </span>
      ))}
    </div>
  );
}

/** A line where the time is now, in the column of today. */
function Now({ day, zone }: { day: Day; zone: string }) {
  const [now, setNow] = useState(Date.now);
  const line = useRef<HTMLElement>(null);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), MINUTE);
    return () => clearInterval(timer);
  }, []);
  const isToday = dayOf(now, zone) === day;
  useEffect(() => {
    if (isToday) line.current?.scrollIntoView({ block: "center" });
  }, [isToday]);
  if (!isToday) return null;
  return <i ref={line} className={styles.now} aria-hidden style={{ "--top": wallMinutes(now, zone) } as CSSProperties} />;
}

/** Where everything stands: found anew when a slot comes, goes or moves, not when one changes its state. */
function usePlaces(store: DeskStore, columns: readonly Column[], zone: string): Place[][] {
  const [changes, setChanges] = useState(0);
  useEffect(() => {
    const tell = () => setChanges((before) => before + 1);
    const calendars = new Set(columns.map(({ calendarId }) => calendarId));
    const stops = [...calendars].map((id) => store.subscribe(id, tell));
    tell();
    return () => {
      for (const stop of stops) stop();
    };
  }, [store, columns]);
  return useMemo(
    () => columns.map((column) => placesOf(slotsIn(store, column, zone), zone)),
    [store, columns, zone, changes],
  );
}

export function slotsIn(store: DeskStore, { calendarId, day }: Pick<Column, "calendarId" | "day">, zone: string) {
  return store
    .ids(calendarId)
    .map((id) => store.slot(id)!.slot)
    .filter(({ startsAt }) => dayOf(startsAt, zone) === day);
}
