// The weekly hours of one calendar: editing them, seeing what they would do, saving them and making times.

import { Alert, Button, Group, Stack, Text, TextInput, Title } from "@mantine/core";
import { useState, type FormEvent } from "react";
import { useClient, useQuery } from "urql";
import { PreviewHoursDocument, WorkingHoursDocument } from "../gql/graphql";
import { worded, type Refusal } from "../shared/acts";
import { useDates } from "../shared/dates";
import { addMonths, today as dayNow, type Day } from "../shared/time";
import { useKnown } from "../shared/viewer";
import { useWords } from "../shared/words";
import styles from "./availability.module.css";
import { inputOf, nextRange, rangeOf, type Range } from "./hours";
import { useMaking, type Made, type Making } from "./making";
import type { Owner } from "./owners";
import { RangeFields } from "./range-fields";
import { Uncovered } from "./uncovered";
import { availabilityWords } from "./words";

export function Weekly({ owner }: { owner: Owner }) {
  const [{ data }] = useQuery({
    query: WorkingHoursDocument,
    variables: { calendarId: owner.calendarId },
    requestPolicy: "network-only",
  });
  if (!data?.calendar) return <div style={{ minHeight: "24rem" }} aria-busy />;
  return <Editor owner={owner} initial={data.calendar.templates.map(rangeOf)} />;
}

function Editor({ owner, initial }: { owner: Owner; initial: Range[] }) {
  const words = useWords(availabilityWords);
  const dates = useDates();
  const { clinic } = useKnown();
  const today = dayNow(owner.zone);
  const horizon = addMonths(today, clinic.bookingPolicy.horizonMonths);
  const [ranges, setRanges] = useState(initial);
  const [until, setUntil] = useState<Day>(horizon);
  const preview = usePreview(owner.calendarId);
  const making = useMaking(owner.calendarId);
  const change = (next: Range[]) => {
    setRanges(next);
    preview.forget();
    making.forget();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    preview.forget();
    void making.run(ranges, today, until);
  };
  const refusal = making.state.phase === "resting" ? (making.state.refusal ?? preview.refusal) : null;
  const isRunning = making.state.phase === "running";
  const place = refusal?.path.findIndex((part) => part === "templates") ?? -1;
  const faulty = place >= 0 ? Number(refusal!.path[place + 1]) : -1;
  return (
    <form className="panel" onSubmit={submit}>
      <Stack gap="md">
        <div>
          <Title order={2} size="h4">{words.weekly}</Title>
          <Text c="dimmed" size="sm">{words.weeklyHint(dates.zone(owner.zone))}</Text>
        </div>
        {ranges.length === 0 && <Text>{words.noRanges}</Text>}
        {ranges.map((range, index) => (
          <RangeFields
            key={range.key}
            number={index + 1}
            range={range}
            problem={refusal && faulty === index ? { field: refusal.path[place + 2], text: worded(refusal) } : null}
            onChange={(changed) => change(ranges.with(index, changed))}
            onRemove={() => change(ranges.toSpliced(index, 1))}
          />
        ))}
        <Group>
          <Button variant="light" onClick={() => change([...ranges, nextRange(ranges)])}>{words.addRange}</Button>
        </Group>
        {refusal && !ranges[faulty] && <Alert color="red" role="alert">{worded(refusal)}</Alert>}
        <Group align="flex-end">
          <TextInput
            type="date"
            required
            withAsterisk={false}
            label={words.generateUntil}
            min={today}
            max={horizon}
            value={until}
            onChange={({ currentTarget }) => setUntil(currentTarget.value)}
          />
          <Button variant="default" size="md" loading={preview.isRunning} disabled={isRunning} onClick={() => void preview.run(ranges, today, until)}>
            {words.preview}
          </Button>
          <Button type="submit" size="md" loading={isRunning}>{words.save}</Button>
        </Group>
        <div aria-live="polite">
          {preview.found && <Numbers title={words.previewTitle} made={preview.found} owner={owner} isPreview />}
          <Outcome state={making.state} owner={owner} onStop={making.stop} />
        </div>
      </Stack>
    </form>
  );
}

function Outcome({ state, owner, onStop }: { state: Making; owner: Owner; onStop(): void }) {
  const words = useWords(availabilityWords);
  const dates = useDates();
  if (state.phase === "resting") return null;
  if (state.phase === "running") {
    return (
      <Stack gap="xs">
        <label>
          {words.progress(dates.month(state.month))}
          <progress className={styles.progress} max={state.of} value={state.done} />
        </label>
        <Group><Button variant="default" onClick={onStop}>{words.stop}</Button></Group>
      </Stack>
    );
  }
  const title = state.phase === "done" ? words.doneTitle : words.stoppedTitle;
  return <Numbers title={title} made={state.made} owner={owner} />;
}

function Numbers({ title, made, owner, isPreview }: { title: string; made: Made; owner: Owner; isPreview?: boolean }) {
  const words = useWords(availabilityWords);
  const count = made.uncovered.length;
  return (
    <Stack gap="sm">
      <Text fw={600}>{title}</Text>
      <dl className={styles.numbers}>
        {(["created", "kept", "removed"] as const).map((name) => (
          <div key={name}>
            <dt>{words[name]}</dt>
            <dd>{made[name]}</dd>
          </div>
        ))}
      </dl>
      <Text size="sm" c="dimmed">{words.againHint}</Text>
      <Uncovered
        visits={made.uncovered}
        zone={owner.zone}
        title={isPreview ? words.wouldUncover(count) : words.uncovered(count)}
      />
    </Stack>
  );
}

function usePreview(calendarId: string) {
  const client = useClient();
  const [found, setFound] = useState<Made | null>(null);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [isRunning, setIsRunning] = useState(false);
  const forget = () => {
    setFound(null);
    setRefusal(null);
  };
  const run = async (ranges: readonly Range[], from: Day, until: Day) => {
    forget();
    setIsRunning(true);
    const variables = { calendarId, from, until, templates: ranges.map(inputOf) };
    const { data, error } = await client.query(PreviewHoursDocument, variables, { requestPolicy: "network-only" });
    setIsRunning(false);
    if (data) setFound(data.availabilityPreview);
    else setRefusal(refusalIn(error?.graphQLErrors[0]?.message));
  };
  return { found, refusal, isRunning, run, forget };
}

/** A question is refused with a sentence that begins with the place: "templates.1.endTime: …". */
export function refusalIn(message: string | undefined): Refusal {
  const [, place = "", text = message ?? ""] = /^([\w.]+): (.*)$/s.exec(message ?? "") ?? [];
  return { code: message ? "INVALID_INPUT" : "UNREACHABLE", message: text, path: place.split(".").filter(Boolean) };
}
