// The free times that are nearest to one that is gone.

import { Button, Group, Text } from "@mantine/core";
import type { SlotPartsFragment } from "../gql/graphql";
import { useDates } from "../shared/dates";
import { useSlotIds } from "../shared/slots";
import { useWords } from "../shared/words";
import { isFree } from "./state";
import type { DeskStore } from "./store";
import { calendarWords } from "./words";

interface Props {
  store: DeskStore;
  slot: SlotPartsFragment;
  calendarId: string;
  zone: string;
  onOpen(slotId: string): void;
}

const OFFERED = 3;

export function Nearby({ store, slot, calendarId, zone, onOpen }: Props) {
  const words = useWords(calendarWords);
  const dates = useDates();
  useSlotIds(store, calendarId);
  const found = nearestFree(store, slot, calendarId);
  if (found.length === 0) return <Text size="sm">{words.noneNearby}</Text>;
  return (
    <Group gap="xs">
      {found.map(({ id, startsAt }) => (
        <Button key={id} variant="default" onClick={() => onOpen(id)}>{dates.moment(startsAt, zone)}</Button>
      ))}
    </Group>
  );
}

/** The free slots of a calendar that begin nearest to one of its slots, in order of time. */
export function nearestFree(
  store: DeskStore,
  { id: gone, startsAt }: { id: string; startsAt: string },
  calendarId: string,
  now = Date.now(),
): SlotPartsFragment[] {
  const distance = (slot: SlotPartsFragment) => Math.abs(Date.parse(slot.startsAt) - Date.parse(startsAt));
  return store
    .ids(calendarId)
    .map((id) => store.slot(id)!.slot)
    .filter((slot) => slot.id !== gone && isFree(slot) && Date.parse(slot.startsAt) > now)
    .sort((a, b) => distance(a) - distance(b))
    .slice(0, OFFERED)
    .sort((a, b) => a.startsAt.localeCompare(b.startsAt));
}
