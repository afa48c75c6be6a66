// The times of an event and how many places each has left, live.

import { Radio, Stack, Text } from "@mantine/core";
import { useMemo, useSyncExternalStore } from "react";
import { EventChangesDocument, type EventChangesSubscription } from "../gql/graphql";
import { useDates } from "../shared/dates";
import type { SlotStore } from "../shared/slots";
import { addDays, startOfDay } from "../shared/time";
import { useWatched } from "../shared/watching";
import { useWords } from "../shared/words";
import type { EventParts } from "./page";
import { eventWords } from "./words";

export type PlaceSlot = EventChangesSubscription["update"]["slots"][number];

interface Props {
  event: EventParts;
  label: string;
  value: string | null;
  onChange(slotId: string): void;
}

export function Places({ event, label, value, onChange }: Props) {
  const words = useWords(eventWords);
  const slots = useEventSlots(event);
  if (!slots) return null;
  const isFull = slots.every((slot) => leftOf(slot) === 0);
  return (
    <Stack gap="sm">
      <Radio.Group label={label} value={value} onChange={onChange} required>
        <Stack gap="xs" mt="xs">
          {slots.map((slot) => (
            <PlaceChoice key={slot.id} slot={slot} zone={event.timeZone} />
          ))}
        </Stack>
      </Radio.Group>
      {isFull && <Text role="status">{words.allFull}</Text>}
      <Text size="sm" c="dimmed">{words.limit(event.perPersonLimit)}</Text>
    </Stack>
  );
}

function PlaceChoice({ slot, zone }: { slot: PlaceSlot; zone: string }) {
  const words = useWords(eventWords);
  const dates = useDates();
  const left = leftOf(slot);
  const isOver = Date.parse(slot.startsAt) <= Date.now();
  return (
    <Radio
      size="md"
      value={slot.id}
      disabled={isOver || left === 0}
      label={`${dates.time(slot.startsAt, zone)} – ${dates.time(slot.endsAt, zone)}`}
      description={isOver ? words.over : left === 0 ? words.full : words.places(left)}
    />
  );
}

export function leftOf({ status, capacity, bookedCount }: PlaceSlot): number {
  return status === "BLOCKED" ? 0 : Math.max(0, capacity - bookedCount);
}

export function useEventSlots(event: EventParts): PlaceSlot[] | null {
  const { calendar, date, timeZone } = event;
  const window = useMemo(
    () => ({
      from: startOfDay(date, timeZone).toISOString(),
      to: startOfDay(addDays(date, 2), timeZone).toISOString(),
    }),
    [date, timeZone],
  );
  const { store, isKnown } = useWatched(EventChangesDocument, [calendar.id], window);
  const cursor = useCursor(store, calendar.id);
  return useMemo(
    () => (isKnown ? store.ids(calendar.id).map((id) => store.slot(id)!.slot) : null),
    [store, isKnown, calendar.id, cursor],
  );
}

function useCursor(store: SlotStore<PlaceSlot>, calendarId: string): string | null {
  return useSyncExternalStore(
    (listener) => store.subscribe(`${calendarId} changed`, listener),
    () => store.cursor(calendarId),
  );
}
