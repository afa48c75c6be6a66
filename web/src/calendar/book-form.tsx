// Booking a free slot for a patient. What is typed stays, even where somebody else takes the slot meanwhile:
// then the nearest other times are offered.

import { Alert, Button, Stack, Text, Textarea } from "@mantine/core";
import { useState, type FormEvent } from "react";
import type { SlotPartsFragment } from "../gql/graphql";
import { worded, type Refusal } from "../shared/acts";
import { useWords } from "../shared/words";
import type { DeskActs } from "./desk-acts";
import { Nearby } from "./nearby";
import { PatientPicker, type Chosen } from "./patient-picker";
import { isFree } from "./state";
import type { DeskStore } from "./store";
import { calendarWords } from "./words";

export interface Draft {
  patient: Chosen | null;
  reason: string;
}

interface Props {
  store: DeskStore;
  slot: SlotPartsFragment;
  calendarId: string;
  zone: string;
  acts: DeskActs;
  draft: Draft;
  onDraft(draft: Draft): void;
  onOpen(slotId: string): void;
  onClose(): void;
}

export function BookForm({ store, slot, calendarId, zone, acts, draft, onDraft, onOpen, onClose }: Props) {
  const words = useWords(calendarWords);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [isRunning, setIsRunning] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!draft.patient) return;
    setIsRunning(true);
    const outcome = await acts.book(slot.id, draft.patient, draft.reason.trim() || null);
    setIsRunning(false);
    if (outcome.isDone) onClose();
    else setRefusal(outcome.refusal);
  };
  const isTaken = !isRunning && (!isFree(slot) || refusal?.code === "SLOT_TAKEN");
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack gap="md">
        {isTaken && (
          <Alert color="yellow" role="alert" title={words.justTaken}>
            <Stack gap="xs">
              <Text size="sm">{words.justTakenHint}</Text>
              <Nearby {...{ store, slot, calendarId, zone, onOpen }} />
            </Stack>
          </Alert>
        )}
        {refusal && !isTaken && <Alert color="red" role="alert">{worded(refusal)}</Alert>}
        <PatientPicker chosen={draft.patient} onChoose={(patient) => onDraft({ ...draft, patient })} />
        <Textarea
          label={words.reasonOptional}
          value={draft.reason}
          onChange={({ currentTarget }) => onDraft({ ...draft, reason: currentTarget.value })}
          autosize
          minRows={2}
        />
        <Button type="submit" size="md" loading={isRunning}>{words.bookFor}</Button>
      </Stack>
    </form>
  );
}
