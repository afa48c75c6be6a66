// Adding closed time or extra hours.

import { Alert, Button, Checkbox, Group, NativeSelect, Stack, TextInput } from "@mantine/core";
import { useState, type FormEvent } from "react";
import { AddExceptionDocument, type ExceptionKind, type UncoveredPartsFragment } from "../gql/graphql";
import { useAct, useForm } from "../shared/acts";
import { showNote } from "../shared/notes";
import { today as dayNow } from "../shared/time";
import { useKnown } from "../shared/viewer";
import { useWords } from "../shared/words";
import styles from "./availability.module.css";
import { instantsOf, type Stretch } from "./exception-times";
import type { Owner } from "./owners";
import { Uncovered } from "./uncovered";
import { availabilityWords } from "./words";

const FIELDS = ["startsAt", "endsAt", "slotMinutes", "reason"];

export function ExceptionForm({ owner, onAdded }: { owner: Owner; onAdded(): void }) {
  const words = useWords(availabilityWords);
  const { viewer, clinic } = useKnown();
  const today = dayNow(owner.zone);
  const [kind, setKind] = useState<ExceptionKind>("CLOSED");
  const [isWide, setIsWide] = useState(false);
  const [reason, setReason] = useState("");
  const [minutes, setMinutes] = useState("");
  const [stretch, setStretch] = useState<Stretch>(() => ({
    isWholeDays: true, firstDay: today, lastDay: today, startTime: "09:00", endTime: "13:00",
  }));
  const [uncovered, setUncovered] = useState<readonly UncoveredPartsFragment[]>([]);
  const form = useForm(useAct(AddExceptionDocument), (payload) => {
    setUncovered(payload.uncovered ?? []);
    showNote(words.wasAdded);
    setReason("");
    onAdded();
  });
  const isExtra = kind === "EXTRA_HOURS";
  const isWholeDays = stretch.isWholeDays && !isExtra;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setUncovered([]);
    void form.submit({
      calendarId: isWide ? null : owner.calendarId,
      kind,
      ...instantsOf({ ...stretch, isWholeDays }, isWide ? clinic.timeZone : owner.zone),
      slotMinutes: isExtra && minutes ? Number(minutes) : null,
      reason: reason.trim() || null,
    });
  };
  const field = (name: Exclude<keyof Stretch, "isWholeDays">) => ({
    required: true,
    withAsterisk: false,
    value: stretch[name],
    onChange: ({ currentTarget: { value } }: { currentTarget: HTMLInputElement }) =>
      setStretch((before) => ({
        ...before,
        [name]: value,
        // Whoever chooses the first day mostly wants that one alone.
        ...(name === "firstDay" && before.lastDay < value ? { lastDay: value } : {}),
      })),
  });
  const problem = form.problem(FIELDS);
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        {problem && <Alert color="red" role="alert">{problem}</Alert>}
        <div className={styles.dated}>
          <NativeSelect
            size="md"
            label={words.kind}
            value={kind}
            onChange={({ currentTarget }) => setKind(currentTarget.value as ExceptionKind)}
            data={(["CLOSED", "EXTRA_HOURS"] as const).map((value) => ({ value, label: words[value] }))}
          />
          {viewer?.role !== "DOCTOR" && (
            <NativeSelect
              size="md"
              label={words.scope}
              value={isWide ? "wide" : "own"}
              onChange={({ currentTarget }) => setIsWide(currentTarget.value === "wide")}
              data={[{ value: "own", label: words.onlyThis }, { value: "wide", label: words.wholeClinic }]}
            />
          )}
          <TextInput type="date" label={words.firstDay} {...field("firstDay")} error={form.errorOf("startsAt")} />
          <TextInput type="date" label={words.lastDay} {...field("lastDay")} min={stretch.firstDay} error={form.errorOf("endsAt")} />
          {!isWholeDays && <TextInput type="time" label={words.fromTime} {...field("startTime")} />}
          {!isWholeDays && <TextInput type="time" label={words.untilTime} {...field("endTime")} />}
          {isExtra && (
            <TextInput
              type="number"
              min={1}
              max={1440}
              label={words.minutes}
              value={minutes}
              onChange={({ currentTarget }) => setMinutes(currentTarget.value)}
              error={form.errorOf("slotMinutes")}
            />
          )}
        </div>
        {!isExtra && (
          <Checkbox
            size="md"
            label={words.wholeDays}
            checked={stretch.isWholeDays}
            onChange={({ currentTarget: { checked } }) => setStretch((before) => ({ ...before, isWholeDays: checked }))}
          />
        )}
        <TextInput
          label={words.reason}
          description={words.reasonHint}
          value={reason}
          onChange={({ currentTarget }) => setReason(currentTarget.value)}
          error={form.errorOf("reason")}
        />
        <Group><Button type="submit" variant="light" size="md" loading={form.isRunning}>{words.add}</Button></Group>
        <Uncovered visits={uncovered} zone={owner.zone} title={words.uncovered(uncovered.length)} />
      </Stack>
    </form>
  );
}
