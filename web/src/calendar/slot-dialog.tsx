// One slot, opened: what it is, live, and what can be done with it.

import { Badge, Group, Stack, Text } from "@mantine/core";
import { useState } from "react";
import type { DoctorPartsFragment, SlotPartsFragment } from "../gql/graphql";
import { useDates } from "../shared/dates";
import { Sheet } from "../shared/sheet";
import { useSlot } from "../shared/slots";
import { dayOf, isSameClock } from "../shared/time";
import { useWords } from "../shared/words";
import { BookForm, type Draft } from "./book-form";
import type { Moving } from "./moving";
import { MoveHere } from "./move-here";
import { GLYPHS, stateOf, visitOf } from "./state";
import type { DeskStore } from "./store";
import { VisitPart } from "./visit-part";
import { useDeskActs } from "./desk-acts";
import { Blocking } from "./blocking";
import { calendarWords } from "./words";

interface Props {
  store: DeskStore;
  slotId: string | null;
  doctors: readonly DoctorPartsFragment[];
  zone: string;
  moving: Moving | null;
  onMove(moving: Moving | null): void;
  onOpen(slotId: string): void;
  onClose(): void;
}

export function SlotDialog({ slotId, ...rest }: Props) {
  const words = useWords(calendarWords);
  return (
    <Sheet
      isOpen={slotId !== null}
      onClose={rest.onClose}
      title={<Heading {...rest} slotId={slotId} />}
      closeLabel={words.close}
    >
      {slotId !== null && <Opened {...rest} slotId={slotId} />}
    </Sheet>
  );
}

function Heading({ store, slotId, zone }: Props) {
  const dates = useDates();
  const words = useWords(calendarWords);
  const slot = useSlot(store, slotId ?? "")?.slot;
  if (!slot) return null;
  return (
    <>
      {dates.wholeDay(dayOf(slot.startsAt, zone))}
      <br />
      {dates.time(slot.startsAt, zone)} {words.until(dates.time(slot.endsAt, zone))}
    </>
  );
}

function Opened({ store, slotId, doctors, zone, moving, onMove, onOpen, onClose }: Props & { slotId: string }) {
  const seen = useSlot(store, slotId);
  const acts = useDeskActs(store);
  const [draft, setDraft] = useState<Draft>({ patient: null, reason: "" });
  // What was begun with a free slot goes on when somebody else takes it meanwhile.
  const [begun] = useState(() => (seen && stateOf(seen.slot) === "free" ? "booking" : "looking"));
  if (!seen) return null;
  const { slot, calendarId } = seen;
  const doctor = doctors.find(({ calendar }) => calendar.id === calendarId);
  const state = stateOf(slot);
  const visit = visitOf(slot);
  const isBooking = state === "free" || begun === "booking";
  return (
    <Stack gap="md">
      <Facts slot={slot} doctor={doctor} zone={zone} />
      {moving && isBooking && (
        <MoveHere {...{ store, slot, moving, zone, acts, onClose }} onMoved={() => onMove(null)} />
      )}
      {!moving && isBooking && (
        <BookForm key={slot.id} {...{ store, slot, calendarId, zone, acts, draft, onOpen, onClose }} onDraft={setDraft} />
      )}
      {visit && !isBooking && <VisitPart {...{ slot, visit, acts, onMove, onClose }} />}
      {!moving && <Blocking {...{ slot, calendarId, state, acts, onClose }} />}
    </Stack>
  );
}

function Facts({ slot, doctor, zone }: { slot: SlotPartsFragment; doctor: DoctorPartsFragment | undefined; zone: string }) {
  const words = useWords(calendarWords);
  const dates = useDates();
  const state = stateOf(slot);
  const own = doctor?.calendar.timeZone ?? zone;
  return (
    <div>
      <Group gap="sm">
        <Badge variant="light" size="lg" tt="none" leftSection={<span aria-hidden>{GLYPHS[state]}</span>}>
          {words[state]}
        </Badge>
        <Text>{[doctor?.name, doctor?.office?.name].filter(Boolean).join(" · ")}</Text>
      </Group>
      <Text size="sm" c="dimmed" mt={6}>
        {dates.zone(zone, slot.startsAt)}
        {!isSameClock(slot.startsAt, zone, own) && ` · ${dates.time(slot.startsAt, own)} ${dates.zone(own, slot.startsAt)}`}
      </Text>
    </div>
  );
}
