// One range of weekly hours: its weekdays, and when, how long and for how many.

import { Button, Group, TextInput } from "@mantine/core";
import type { Weekday } from "../gql/graphql";
import { useDates } from "../shared/dates";
import { addDays } from "../shared/time";
import { useWords } from "../shared/words";
import styles from "./availability.module.css";
import { WEEKDAYS, type Range } from "./hours";
import { availabilityWords } from "./words";

// Some Monday: only its name is shown.
const MONDAY = "2024-01-01";

interface Props {
  number: number;
  range: Range;
  problem: { field: string | undefined; text: string } | null;
  onChange(range: Range): void;
  onRemove(): void;
}

export function RangeFields({ number, range, problem, onChange, onRemove }: Props) {
  const words = useWords(availabilityWords);
  const field = (name: Exclude<keyof Range, "key" | "weekdays">) => ({
    value: range[name],
    error: problem?.field === name ? problem.text : undefined,
    onChange: ({ currentTarget }: { currentTarget: HTMLInputElement }) =>
      onChange({ ...range, [name]: currentTarget.value }),
  });
  const isWhole = problem && !(problem.field && problem.field in range && problem.field !== "weekdays");
  return (
    <fieldset className={styles.range}>
      <legend>{words.range(number)}</legend>
      <Weekdays chosen={range.weekdays} onChoose={(weekdays) => onChange({ ...range, weekdays })} />
      <div className={styles.fields}>
        <TextInput type="time" required withAsterisk={false} label={words.start} {...field("startTime")} />
        <TextInput type="time" required withAsterisk={false} label={words.end} {...field("endTime")} />
        <TextInput type="number" required min={1} max={1440} withAsterisk={false} label={words.minutes} {...field("slotMinutes")} />
        <TextInput type="number" required min={0} max={1440} withAsterisk={false} label={words.buffer} {...field("bufferMinutes")} />
        <TextInput type="number" required min={1} max={1000} withAsterisk={false} label={words.capacity} {...field("capacity")} />
      </div>
      <div className={styles.dates}>
        <TextInput type="date" label={words.validFrom} {...field("validFrom")} />
        <TextInput type="date" label={words.validUntil} {...field("validUntil")} />
      </div>
      {isWhole && <div role="alert" style={{ color: "var(--mantine-color-error)" }}>{problem.text}</div>}
      <Group justify="flex-end">
        <Button variant="subtle" size="compact-md" aria-label={words.removeRange(number)} onClick={onRemove}>
          {words.remove}
        </Button>
      </Group>
    </fieldset>
  );
}

function Weekdays({ chosen, onChoose }: { chosen: Weekday[]; onChoose(days: Weekday[]): void }) {
  const words = useWords(availabilityWords);
  const dates = useDates();
  return (
    <div className={styles.days} role="group" aria-label={words.weekdays}>
      {WEEKDAYS.map((day, index) => (
        <button
          key={day}
          type="button"
          aria-pressed={chosen.includes(day)}
          onClick={() => onChoose(chosen.includes(day) ? chosen.filter((one) => one !== day) : [...chosen, day])}
        >
          {dates.weekday(addDays(MONDAY, index))}
        </button>
      ))}
    </div>
  );
}
