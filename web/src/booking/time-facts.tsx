// What a patient is about to book: when, with whom, where; in the zone of the place, and in one's own where
// that is another.

import { Text } from "@mantine/core";
import { useDates } from "../shared/dates";
import { isSameClock, ownZone } from "../shared/time";
import { useWords } from "../shared/words";
import styles from "./booking.module.css";
import type { BookableSlot } from "./confirm";
import { bookingWords } from "./words";

export function TimeFacts({ slot }: { slot: BookableSlot }) {
  const words = useWords(bookingWords);
  const dates = useDates();
  const { timeZone: zone, owner } = slot.calendar;
  const doctor = "name" in owner ? owner : null;
  return (
    <div className={styles.facts}>
      <strong>{dates.moment(slot.startsAt, zone)}</strong>
      {doctor && <Text>{[doctor.name, doctor.specialty].filter(Boolean).join(" · ")}</Text>}
      {doctor?.office && <Text c="dimmed">{[doctor.office.name, doctor.office.address].filter(Boolean).join(", ")}</Text>}
      <Text size="sm" c="dimmed">
        {dates.zone(zone, slot.startsAt)}
        {!isSameClock(slot.startsAt, zone, ownZone()) && ` · ${words.yours(dates.moment(slot.startsAt, ownZone()))}`}
      </Text>
    </div>
  );
}
