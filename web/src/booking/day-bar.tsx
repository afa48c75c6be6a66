// A week of days to choose from, from the first that has a free time on.

import { ActionIcon } from "@mantine/core";
import { useDates } from "../shared/dates";
import { Icon } from "../shared/icons";
import { addDays, daysBetween, daysFrom, type Day } from "../shared/time";
import { useWords } from "../shared/words";
import styles from "./booking.module.css";
import { bookingWords } from "./words";

const SHOWN = 7;

export function DayBar({ day, firstDay, onDay }: { day: Day; firstDay: Day; onDay(day: Day): void }) {
  const words = useWords(bookingWords);
  const dates = useDates();
  const weeks = Math.max(0, Math.floor(daysBetween(firstDay, day) / SHOWN));
  const begin = addDays(firstDay, weeks * SHOWN);
  return (
    <div className={styles.days} role="group" aria-label={words.days}>
      <ActionIcon
        variant="default"
        size={44}
        aria-label={words.earlier}
        disabled={weeks === 0}
        onClick={() => onDay(addDays(begin, -SHOWN))}
      >
        <Icon name="left" />
      </ActionIcon>
      <div className={styles.strip}>
        {daysFrom(begin, SHOWN).map((one) => (
          <button key={one} type="button" aria-pressed={one === day} onClick={() => onDay(one)}>
            <span className="heard">{dates.wholeDay(one)}</span>
            <span aria-hidden>{dates.weekday(one)}</span>
            <b aria-hidden>{dates.dayOfMonth(one)}</b>
          </button>
        ))}
      </div>
      <ActionIcon variant="default" size={44} aria-label={words.later} onClick={() => onDay(addDays(begin, SHOWN))}>
        <Icon name="right" />
      </ActionIcon>
    </div>
  );
}
