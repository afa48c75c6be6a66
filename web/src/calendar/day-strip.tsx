// The days of a week on a narrow screen, of which one is shown.

import { useDates } from "../shared/dates";
import type { Day } from "../shared/time";
import styles from "./grid.module.css";

export function DayStrip({ days, day, onGo }: { days: readonly Day[]; day: Day; onGo(day: Day): void }) {
  const dates = useDates();
  return (
    <div className={styles.strip}>
      {days.map((one) => (
        <button key={one} type="button" aria-pressed={one === day} onClick={() => onGo(one)}>
          <span className="heard">{dates.wholeDay(one)}</span>
          <span aria-hidden>{dates.weekday(one)}</span>
          <b aria-hidden>{dates.dayOfMonth(one)}</b>
        </button>
      ))}
    </div>
  );
}
