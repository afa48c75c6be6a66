// A booking of a guest: seen, moved and cancelled by the secret of its link.

import { Alert, Button, Group, Stack, Text, Title } from "@mantine/core";
import { useState } from "react";
import { useQuery } from "urql";
import { CancelPlaceDocument, GuestBookingDocument, MovePlaceDocument, type GuestBookingPartsFragment } from "../gql/graphql";
import { download, icsOf } from "../shared/ics";
import { useAct, worded, type Refusal } from "../shared/acts";
import { useDates } from "../shared/dates";
import { Icon } from "../shared/icons";
import { useWords } from "../shared/words";
import type { EventParts } from "./page";
import { Places } from "./places";
import { eventWords } from "./words";

interface Props {
  event: EventParts;
  token: string;
  onLeave(): void;
}

export function Booked({ event, token, onLeave }: Props) {
  const words = useWords(eventWords);
  const [{ data }, ask] = useQuery({ query: GuestBookingDocument, variables: { token }, requestPolicy: "network-only" });
  if (!data) return null;
  const booking = data.guestBooking;
  return (
    <div className="panel">
      <Stack gap="lg">
        {booking ? <Facts event={event} booking={booking} /> : <NotFound />}
        {booking?.status === "BOOKED" && (
          <Changes {...{ event, token, booking }} onChanged={() => ask({ requestPolicy: "network-only" })} />
        )}
        {booking?.status !== "BOOKED" && (
          <Button variant="default" onClick={onLeave} style={{ alignSelf: "flex-start" }}>{words.another}</Button>
        )}
      </Stack>
    </div>
  );
}

function NotFound() {
  const words = useWords(eventWords);
  return (
    <div>
      <Title order={2} size="h4">{words.badLink}</Title>
      <Text c="dimmed">{words.badLinkHint}</Text>
    </div>
  );
}

function Facts({ event, booking }: { event: EventParts; booking: GuestBookingPartsFragment }) {
  const words = useWords(eventWords);
  const dates = useDates();
  const isOpen = booking.status === "BOOKED";
  return (
    <div role="status">
      <Title order={2} size="h4">{isOpen ? words.yours : words.yoursCancelled}</Title>
      <Text fw={640} size="xl" mt="sm" td={isOpen ? undefined : "line-through"}>
        {dates.moment(booking.startsAt, event.timeZone)}
      </Text>
      <Text>{booking.guest?.name}</Text>
      <Text c="dimmed">{words.reference} {booking.reference}</Text>
      {isOpen && <Text size="sm" mt="sm">{words.mailed}</Text>}
    </div>
  );
}

interface ChangesProps {
  event: EventParts;
  token: string;
  booking: GuestBookingPartsFragment;
  onChanged(): void;
}

function Changes({ event, token, booking, onChanged }: ChangesProps) {
  const words = useWords(eventWords);
  const [step, setStep] = useState<"none" | "move" | "cancel">("none");
  const [slotId, setSlotId] = useState<string | null>(null);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const move = useAct(MovePlaceDocument);
  const cancel = useAct(CancelPlaceDocument);
  const ended = ({ refusal: why }: { refusal: Refusal | null }) => {
    setRefusal(why);
    if (!why) setStep("none");
    onChanged();
  };
  const save = () => {
    const { id, startsAt, endsAt, reference } = booking;
    download(`${reference}.ics`, icsOf({ id, startsAt, endsAt, title: event.title, place: "", note: `${words.reference} ${reference}` }));
  };
  return (
    <Stack gap="md">
      {refusal && <Alert color="red" role="alert">{worded(refusal)}</Alert>}
      {step === "move" && <Places event={event} label={words.chooseNew} value={slotId} onChange={setSlotId} />}
      <Group gap="xs">
        {step === "none" && (
          <>
            <Button leftSection={<Icon name="download" />} onClick={save}>{words.download}</Button>
            <Button variant="default" onClick={() => setStep("move")}>{words.move}</Button>
            <Button variant="default" onClick={() => setStep("cancel")}>{words.cancel}</Button>
          </>
        )}
        {step === "move" && (
          <Button loading={move.isRunning} disabled={!slotId} onClick={() => void move.run({ manageToken: token, slotId: slotId! }).then(ended)}>{words.move}</Button>
        )}
        {step === "cancel" && (
          <Button color="red" loading={cancel.isRunning} onClick={() => void cancel.run({ manageToken: token }).then(ended)}>{words.reallyCancel}</Button>
        )}
        {step !== "none" && <Button variant="default" onClick={() => setStep("none")}>{words.keep}</Button>}
      </Group>
    </Stack>
  );
}
