// Confirming where an appointment is moved to: the old time and the new one beside each other.

import { Button, SimpleGrid, Stack, Text } from "@mantine/core";
import { useState } from "react";
import type { SlotPartsFragment } from "../gql/graphql";
import { useDates } from "../shared/dates";
import { useWords } from "../shared/words";
import type { DeskActs } from "./desk-acts";
import type { Moving } from "./moving";
import { calendarWords } from "./words";

interface Props {
  slot: SlotPartsFragment;
  moving: Moving;
  zone: string;
  acts: DeskActs;
  onMoved(): void;
  onClose(): void;
}

export function MoveHere({ slot, moving, zone, acts, onMoved, onClose }: Props) {
  const words = useWords(calendarWords);
  const dates = useDates();
  const [isRunning, setIsRunning] = useState(false);
  const move = async () => {
    setIsRunning(true);
    const { isDone } = await acts.move(moving, slot.id);
    setIsRunning(false);
    onClose();
    if (isDone) onMoved();
  };
  return (
    <Stack gap="md">
      <Text fw={600}>{moving.name}</Text>
      <SimpleGrid cols={2}>
        <div>
          <Text size="sm" c="dimmed">{words.from}</Text>
          <Text>{dates.moment(moving.startsAt, zone)}</Text>
        </div>
        <div>
          <Text size="sm" c="dimmed">{words.to}</Text>
          <Text fw={600}>{dates.moment(slot.startsAt, zone)}</Text>
        </div>
      </SimpleGrid>
      <Button size="md" loading={isRunning} onClick={() => void move()}>{words.moveHere}</Button>
    </Stack>
  );
}
