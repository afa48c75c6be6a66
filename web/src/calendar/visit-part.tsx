// The appointment in a slot: who comes, and what is done when they come, do not, or want another time.

import { Button, Group, Stack, Text } from "@mantine/core";
import { useState } from "react";
import type { SlotPartsFragment } from "../gql/graphql";
import type { Outcome } from "../shared/acts";
import { useWords } from "../shared/words";
import type { DeskActs } from "./desk-acts";
import type { Moving } from "./moving";
import type { Visit } from "./state";
import { calendarWords } from "./words";

interface Props {
  slot: SlotPartsFragment;
  visit: Visit;
  acts: DeskActs;
  onMove(moving: Moving): void;
  onClose(): void;
}

export function VisitPart({ slot, visit, acts, onMove, onClose }: Props) {
  const words = useWords(calendarWords);
  const name = visit.patient?.name ?? words.somebody;
  const move = () => {
    const { id: appointmentId, version } = visit;
    onMove({ appointmentId, version, name, slotId: slot.id, startsAt: slot.startsAt });
    onClose();
  };
  return (
    <Stack gap="md">
      <div>
        <Text fw={640} size="lg">{name}</Text>
        <Facts visit={visit} />
      </div>
      <Progress {...{ visit, acts, onClose }} />
      {visit.status === "BOOKED" && (
        <Group gap="xs">
          <Button variant="default" onClick={move}>{words.move}</Button>
          <Cancel onCancel={() => acts.cancel(slot.id, visit)} onClose={onClose} />
        </Group>
      )}
    </Stack>
  );
}

function Facts({ visit }: { visit: Visit }) {
  const words = useWords(calendarWords);
  const facts = [
    [words.reference, visit.reference],
    [words.phone, visit.patient?.phone],
    [words.visit, visit.visitType?.name],
    [words.reason, visit.reason],
  ].filter(([, value]) => value);
  return (
    <dl style={{ display: "grid", gridTemplateColumns: "auto 1fr", gap: "0.25rem 1rem", margin: "0.5rem 0 0" }}>
      {facts.map(([name, value]) => (
        <div key={name} style={{ display: "contents" }}>
          <Text component="dt" c="dimmed" size="sm">{name}</Text>
          <Text component="dd" m={0} size="sm">{value}</Text>
        </div>
      ))}
    </dl>
  );
}

/** What comes next for a visit. */
function Progress({ visit, acts, onClose }: Pick<Props, "visit" | "acts" | "onClose">) {
  const words = useWords(calendarWords);
  const run = async (outcome: Promise<Outcome<unknown>>) => {
    if ((await outcome).isDone) onClose();
  };
  const hasBegun = Date.parse(visit.startsAt) <= Date.now();
  // Whoever was given up may still come late.
  const mayArrive = visit.status === "BOOKED" || visit.status === "NO_SHOW";
  return (
    <Group gap="xs" grow>
      {mayArrive && <Button size="md" onClick={() => void run(acts.checkIn(visit))}>{words.checkIn}</Button>}
      {visit.status === "CHECKED_IN" && hasBegun && (
        <Button size="md" onClick={() => void run(acts.complete(visit))}>{words.complete}</Button>
      )}
      {visit.status === "BOOKED" && hasBegun && (
        <Button size="md" variant="light" onClick={() => void run(acts.noShow(visit))}>{words.noShow}</Button>
      )}
    </Group>
  );
}

/** Two steps, and no reason that must be given. */
function Cancel({ onCancel, onClose }: { onCancel(): Promise<Outcome<unknown>>; onClose(): void }) {
  const words = useWords(calendarWords);
  const [isAsked, setIsAsked] = useState(false);
  if (!isAsked) {
    return <Button variant="default" onClick={() => setIsAsked(true)}>{words.cancel}</Button>;
  }
  const cancel = async () => {
    if ((await onCancel()).isDone) onClose();
  };
  return (
    <Stack gap="xs" w="100%">
      <Text size="sm" c="dimmed">{words.cancelHint}</Text>
      <Group gap="xs">
        <Button color="red" onClick={() => void cancel()}>{words.reallyCancel}</Button>
        <Button variant="default" onClick={() => setIsAsked(false)}>{words.keep}</Button>
      </Group>
    </Stack>
  );
}
