// Moving an appointment: it stays where it is until another time is chosen and confirmed.

import { Button } from "@mantine/core";
import { useDates } from "../shared/dates";
import { useWords } from "../shared/words";
import styles from "./grid.module.css";
import { calendarWords } from "./words";

export interface Moving {
  appointmentId: string;
  version: number;
  name: string;
  slotId: string;
  startsAt: string;
}

export function MovingBar({ moving, zone, onStop }: { moving: Moving; zone: string; onStop(): void }) {
  const words = useWords(calendarWords);
  const dates = useDates();
  return (
    <div className={styles.moving} role="status">
      {words.moving(moving.name, dates.within(moving.startsAt, zone))}
      <Button size="compact-md" variant="default" onClick={onStop}>{words.stopMoving}</Button>
    </div>
  );
}
