// A month of one doctor: how much of each day is free and booked. A day leads to its own page.

import { memo, useCallback, useMemo, useSyncExternalStore, type MouseEvent } from "react";
import { useDates } from "../shared/dates";
import type { SlotBase, SlotStore } from "../shared/slots";
import { dayOf, type Day } from "../shared/time";
import { useWords } from "../shared/words";
import { useGridKeys } from "./grid-keys";
import styles from "./grid.module.css";
import { calendarWords } from "./words";

interface Props {
  store: SlotStore<SlotBase>;
  calendarId: string;
  days: readonly Day[];
  month: string;
  zone: string;
  today: Day;
  label: string;
  onOpen(day: Day): void;
  onPage(by: 1 | -1): void;
}

export interface Count {
  free: number;
  booked: number;
}

const NOTHING: Count = { free: 0, booked: 0 };

export function MonthGrid({ store, calendarId, days, month, zone, today, label, onOpen, onPage }: Props) {
  const words = useWords(calendarWords);
  const dates = useDates();
  const counts = useCounts(store, calendarId, zone);
  const keys = useGridKeys({ onPage });
  const open = ({ target }: MouseEvent) => {
    const day = (target as HTMLElement).closest<HTMLElement>("[data-day]")?.dataset["day"];
    if (day) onOpen(day);
  };
  const weeks = Array.from({ length: days.length / 7 }, (_, week) => days.slice(week * 7, week * 7 + 7));
  return (
    <div {...keys} role="grid" aria-label={`${label}. ${words.keys}`} onClick={open}>
      <div role="row" className={styles.monthHead}>
        {weeks[0]!.map((day) => (
          <div key={day} role="columnheader" className={styles.weekday}>{dates.weekday(day)}</div>
        ))}
      </div>
      <div role="rowgroup" className={styles.month}>
        {weeks.map((week) => (
          <div key={week[0]} role="row">
            {week.map((day, column) => (
              <DateCell
                key={day}
                day={day}
                column={column}
                count={counts.get(day) ?? NOTHING}
                isOther={!day.startsWith(month)}
                isToday={day === today}
              />
            ))}
          </div>
        ))}
      </div>
    </div>
  );
}

const DateCell = memo(
  function DateCell({ day, count, isOther, isToday }: {
    day: Day;
    column: number;
    count: Count;
    isOther: boolean;
    isToday: boolean;
  }) {
    const words = useWords(calendarWords);
    const dates = useDates();
    const { free, booked } = count;
    return (
      <div
        role="gridcell"
        className={styles.date}
        data-column
        data-other={isOther || undefined}
        data-today={isToday || undefined}
      >
        <button type="button" tabIndex={-1} data-cell="0" data-day={day}>
          <span className={styles.number} aria-hidden>{dates.dayOfMonth(day)}</span>
          <span className="heard">{dates.wholeDay(day)}, {free + booked === 0 && words.noTimes}</span>
          {free + booked > 0 && (
            <>
              <span className={styles.counts}>
                {free > 0 && <b>{words.countFree(free)}</b>}
                {free > 0 && <br />}
                <span>{words.countBooked(booked)}</span>
              </span>
              {free > 0 && (
                <span className={styles.bar}>
                  <i style={{ width: `${(100 * booked) / (free + booked)}%` }} />
                </span>
              )}
            </>
          )}
        </button>
      </div>
    );
  },
  (before, after) =>
    before.day === after.day &&
    before.count.free === after.count.free &&
    before.count.booked === after.count.booked &&
    before.isOther === after.isOther &&
    before.isToday === after.isToday,
);

function useCounts(store: SlotStore<SlotBase>, calendarId: string, zone: string): Map<Day, Count> {
  const key = `${calendarId} changed`;
  const subscribe = useCallback((listener: () => void) => store.subscribe(key, listener), [store, key]);
  const cursor = useSyncExternalStore(subscribe, () => store.cursor(calendarId));
  return useMemo(() => countsOf(store, calendarId, zone), [store, calendarId, zone, cursor]);
}

/** How many slots of each day are free, of those that have not begun, and booked. */
export function countsOf(
  store: SlotStore<SlotBase>,
  calendarId: string,
  zone: string,
  now = Date.now(),
): Map<Day, Count> {
  const counts = new Map<Day, Count>();
  for (const id of store.ids(calendarId)) {
    const { startsAt, status } = store.slot(id)!.slot;
    const day = dayOf(startsAt, zone);
    const { free, booked } = counts.get(day) ?? NOTHING;
    counts.set(day, {
      free: free + (status === "AVAILABLE" && Date.parse(startsAt) > now ? 1 : 0),
      booked: booked + (status === "BOOKED" || status === "HELD" ? 1 : 0),
    });
  }
  return counts;
}
