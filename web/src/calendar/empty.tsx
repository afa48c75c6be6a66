// Where there is nothing on a page: a sentence, and the way to the next free time.

import { Button } from "@mantine/core";
import { useQuery } from "urql";
import { NextFreeDocument, type DoctorPartsFragment } from "../gql/graphql";
import { useDates } from "../shared/dates";
import { dayOf } from "../shared/time";
import { useWords } from "../shared/words";
import type { Place } from "./address";
import styles from "./grid.module.css";
import { slotsIn, type Column } from "./time-grid";
import type { DeskStore } from "./store";
import { calendarWords } from "./words";

interface Props {
  store: DeskStore;
  columns: readonly Column[];
  doctors: readonly DoctorPartsFragment[];
  zone: string;
  onGo(change: Partial<Place>): void;
}

export function Empty({ store, columns, doctors, zone, onGo }: Props) {
  const isEmpty = columns.every((column) => slotsIn(store, column, zone).length === 0);
  return isEmpty ? <NextFree doctors={doctors} zone={zone} onGo={onGo} /> : null;
}

function NextFree({ doctors, zone, onGo }: Pick<Props, "doctors" | "zone" | "onGo">) {
  const words = useWords(calendarWords);
  const dates = useDates();
  const [{ data, fetching }] = useQuery({
    query: NextFreeDocument,
    variables: { ids: doctors.map(({ id }) => id) },
    requestPolicy: "cache-and-network",
  });
  const times = (data?.nodes ?? []).flatMap((node) =>
    node && "nextAvailableSlot" in node && node.nextAvailableSlot ? [node.nextAvailableSlot.startsAt] : [],
  );
  const next = times.sort()[0];
  return (
    <div className={styles.empty} role="status">
      <strong>{words.noTimes}</strong>
      {next && (
        <Button variant="light" onClick={() => onGo({ day: dayOf(next, zone) })}>
          {words.nextFree(`${dates.dayAndMonth(dayOf(next, zone))}, ${dates.time(next, zone)}`)}
        </Button>
      )}
      {!next && !fetching && <span>{words.noNext}</span>}
    </div>
  );
}
