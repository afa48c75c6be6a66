// What the calendar shows: which days, which doctors, in which view.

import { ActionIcon, Button, Group, MultiSelect, SegmentedControl, Select } from "@mantine/core";
import type { DoctorPartsFragment } from "../gql/graphql";
import { useDates } from "../shared/dates";
import { Icon } from "../shared/icons";
import type { Day } from "../shared/time";
import { useWords } from "../shared/words";
import { daysShown, MOST_DOCTORS, stepped, type Place, type View } from "./address";
import styles from "./grid.module.css";
import { calendarWords } from "./words";

interface Props {
  place: Place;
  today: Day;
  doctors: readonly DoctorPartsFragment[];
  isNarrow: boolean;
  onGo(change: Partial<Place>): void;
}

export function Toolbar({ place, today, doctors, isNarrow, onGo }: Props) {
  const words = useWords(calendarWords);
  const title = useTitle(place, isNarrow);
  const size = isNarrow ? 44 : 36;
  const name = `${place.view[0]!.toUpperCase()}${place.view.slice(1)}` as "Day" | "Week" | "Month";
  return (
    <div className={styles.toolbar}>
      <h1 className={styles.title} aria-live="polite">{title}</h1>
      <Group gap={6} wrap="nowrap">
        <Button variant="default" h={size} onClick={() => onGo({ day: today })}>{words.today}</Button>
        <ActionIcon variant="default" size={size} aria-label={words[`previous${name}`]} onClick={() => onGo({ day: stepped(place, -1) })}>
          <Icon name="left" />
        </ActionIcon>
        <ActionIcon variant="default" size={size} aria-label={words[`next${name}`]} onClick={() => onGo({ day: stepped(place, 1) })}>
          <Icon name="right" />
        </ActionIcon>
      </Group>
      <SegmentedControl
        size={isNarrow ? "md" : "sm"}
        aria-label={words.view}
        value={place.view}
        onChange={(view) => onGo({ view: view as View })}
        data={(["day", "week", "month"] as const).map((value) => ({ value, label: words[value] }))}
      />
      <Doctors place={place} doctors={doctors} isNarrow={isNarrow} onGo={onGo} />
    </div>
  );
}

function Doctors({ place, doctors, isNarrow, onGo }: Omit<Props, "today">) {
  const words = useWords(calendarWords);
  const data = doctors.map(({ id, name, specialty }) => ({ value: id, label: specialty ? `${name} · ${specialty}` : name }));
  if (place.view === "day" && !isNarrow) {
    return (
      <MultiSelect
        aria-label={words.doctors}
        placeholder={place.doctorIds.length < MOST_DOCTORS ? words.chooseDoctors : ""}
        data={doctors.map(({ id, name }) => ({ value: id, label: name }))}
        value={place.doctorIds}
        onChange={(doctorIds) => doctorIds.length > 0 && onGo({ doctorIds })}
        maxValues={MOST_DOCTORS}
        searchable
        hidePickedOptions
        maw="100%"
        miw={240}
      />
    );
  }
  return (
    <Select
      aria-label={words.doctor}
      size={isNarrow ? "md" : "sm"}
      data={data}
      value={place.doctorIds[0] ?? null}
      onChange={(id) => id && onGo({ doctorIds: [id, ...place.doctorIds.filter((other) => other !== id)].slice(0, MOST_DOCTORS) })}
      allowDeselect={false}
      searchable
      flex={isNarrow ? "1 0 100%" : undefined}
      miw={isNarrow ? 0 : 280}
    />
  );
}

function useTitle(place: Place, isNarrow: boolean): string {
  const dates = useDates();
  if (place.view === "day") return isNarrow ? dates.dayAndMonth(place.day) : dates.wholeDay(place.day);
  const days = daysShown(place);
  const month = isNarrow ? "short" : "long";
  return place.view === "week" ? dates.range(days[0]!, days.at(-1)!, month) : dates.month(place.day);
}
