// Booking one time, or moving an appointment to it. It is kept while the form is filled in; the server
// decides in the end, and what it refuses is said with the nearest other times.

import { Alert, Button, Group, Stack, Text, Textarea, Title } from "@mantine/core";
import { useState, type FormEvent } from "react";
import { useClient, useQuery } from "urql";
import { Link, useLocation, useParams, useSearchParams } from "wouter";
import { BookAppointmentDocument, RescheduleDocument, SlotToBookDocument, VisitDocument, type SlotToBookQuery } from "../gql/graphql";
import { act, worded, type Refusal } from "../shared/acts";
import { useDates } from "../shared/dates";
import { MINUTE } from "../shared/time";
import { useKnown } from "../shared/viewer";
import { useWords } from "../shared/words";
import styles from "./booking.module.css";
import { useHold, type Hold } from "./hold";
import { addressOf } from "./openings";
import { SignInFirst } from "./sign-in-first";
import { TimeFacts } from "./time-facts";
import { bookingWords } from "./words";

export type BookableSlot = Extract<NonNullable<SlotToBookQuery["node"]>, { __typename: "Slot" }>;

export default function ConfirmPage() {
  const words = useWords(bookingWords);
  const { slotId = "" } = useParams<{ slotId: string }>();
  const [{ data }] = useQuery({ query: SlotToBookDocument, variables: { id: slotId }, requestPolicy: "network-only" });
  const [params] = useSearchParams();
  if (!data) return null;
  const { node } = data;
  const instead = params.get("instead");
  return (
    <div className="shell-narrow" style={{ maxWidth: "34rem" }}>
      <Stack gap="lg">
        <Title order={1} size="h2">{instead ? words.moveTitle : words.confirmTitle}</Title>
        {node?.__typename === "Slot" ? (
          <Booking key={node.id} slot={node} visit={params.get("visit")} instead={instead} />
        ) : (
          <Gone />
        )}
      </Stack>
    </div>
  );
}

function Gone() {
  const words = useWords(bookingWords);
  return (
    <Stack align="flex-start">
      <Text>{words.gone}</Text>
      <Button component={Link} href="/book">{words.other}</Button>
    </Stack>
  );
}

interface BookingProps {
  slot: BookableSlot;
  visit: string | null;
  instead: string | null;
}

function Booking({ slot, visit, instead }: BookingProps) {
  const words = useWords(bookingWords);
  const { viewer } = useKnown();
  const isPatient = viewer?.role === "PATIENT";
  const hold = useHold(slot.id, visit, isPatient);
  return (
    <div className="panel">
      <Stack gap="lg">
        {instead ? <Sides instead={instead} slot={slot} /> : <TimeFacts slot={slot} />}
        {!viewer && <SignInFirst />}
        {viewer && !isPatient && <Alert>{words.staff}</Alert>}
        {isPatient && <Held hold={hold} />}
        {isPatient && <ConfirmForm {...{ slot, visit, instead, hold }} />}
      </Stack>
    </div>
  );
}

/** The old time and the new one beside each other: the old one is kept until the new one is confirmed. */
function Sides({ instead, slot }: { instead: string; slot: BookableSlot }) {
  const words = useWords(bookingWords);
  const dates = useDates();
  const [{ data }] = useQuery({ query: VisitDocument, variables: { id: instead } });
  const old = data?.node?.__typename === "Appointment" ? data.node : null;
  return (
    <div className={styles.sides}>
      <div>
        <Text size="sm" c="dimmed">{words.from}</Text>
        {old && <Text>{dates.moment(old.startsAt, old.slot.calendar.timeZone)}</Text>}
      </div>
      <div>
        <Text size="sm" c="dimmed">{words.to}</Text>
        <TimeFacts slot={slot} />
      </div>
    </div>
  );
}

function Held({ hold: { until, seconds } }: { hold: Hold }) {
  const words = useWords(bookingWords);
  if (until === null) return null;
  if (seconds === 0) return <Alert color="yellow">{words.heldOver}</Alert>;
  const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  return (
    <div className={styles.held} role="timer" aria-label={words.heldFor}>
      {words.heldFor}
      <b>{clock}</b>
    </div>
  );
}

type WithAlternatives = Refusal & { alternatives?: readonly { id: string; startsAt: string }[] };

function ConfirmForm({ slot, visit, instead, hold }: BookingProps & { hold: Hold }) {
  const words = useWords(bookingWords);
  const dates = useDates();
  const client = useClient();
  const { clinic } = useKnown();
  const [, go] = useLocation();
  const [reason, setReason] = useState("");
  const [refused, setRefused] = useState<WithAlternatives | null>(null);
  const [isRunning, setIsRunning] = useState(false);
  // The same key for each try: what got through though its answer was lost is not done twice.
  const [idempotencyKey] = useState(() => crypto.randomUUID());
  const refusal = refused ?? (hold.refusal as WithAlternatives | null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setIsRunning(true);
    const outcome = instead
      ? await act(client, RescheduleDocument, { appointmentId: instead, slotId: slot.id, idempotencyKey })
      : await act(client, BookAppointmentDocument, {
          slotId: slot.id,
          visitTypeId: visit,
          reason: reason.trim() || null,
          idempotencyKey,
        });
    setIsRunning(false);
    if (!outcome.isDone) {
      setRefused(outcome.refusal);
      return;
    }
    hold.settle();
    go(`/appointments/${outcome.payload.appointment!.id}?${instead ? "moved" : "booked"}`, { replace: true });
  };
  const last = Date.parse(slot.startsAt) - clinic.bookingPolicy.cancellationNoticeMinutes * MINUTE;
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack gap="md">
        {refusal && <Refused refusal={refusal} slot={slot} visit={visit} instead={instead} />}
        {!instead && (
          <Textarea
            label={words.reason}
            description={words.reasonHint}
            value={reason}
            onChange={({ currentTarget }) => setReason(currentTarget.value)}
            autosize
            minRows={2}
          />
        )}
        {last > Date.now() && (
          <Text size="sm" c="dimmed">
            {words.cancelUntil(dates.within(new Date(last).toISOString(), slot.calendar.timeZone))}
          </Text>
        )}
        <Button type="submit" size="md" loading={isRunning}>{instead ? words.confirmMove : words.confirm}</Button>
        <Button component={Link} href={instead ? `/book?instead=${instead}` : "/book"} variant="subtle">{words.other}</Button>
      </Stack>
    </form>
  );
}

function Refused({ refusal, slot, visit, instead }: BookingProps & { refusal: WithAlternatives }) {
  const words = useWords(bookingWords);
  const dates = useDates();
  if (refusal.code !== "SLOT_TAKEN") return <Alert color="red" role="alert">{worded(refusal)}</Alert>;
  return (
    <Alert color="yellow" role="alert" title={words.taken2}>
      <Text size="sm" mb="xs">{words.takenHint}</Text>
      <Group gap="xs">
        {refusal.alternatives?.map(({ id, startsAt }) => (
          <Button key={id} component={Link} href={addressOf(id, { visit, instead })} variant="default">
            {dates.moment(startsAt, slot.calendar.timeZone)}
          </Button>
        ))}
      </Group>
    </Alert>
  );
}
