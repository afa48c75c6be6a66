// The waitlist of a patient: what is offered, where they wait, and joining another line.

import { Alert, Button, Group, Stack, Text, Title } from "@mantine/core";
import { useEffect } from "react";
import { useQuery } from "urql";
import { useLocation } from "wouter";
import { AcceptOfferDocument, DeclineOfferDocument, LeaveWaitlistDocument, MyWaitlistDocument, type EntryPartsFragment } from "../gql/graphql";
import { useAct, worded } from "../shared/acts";
import { useDates } from "../shared/dates";
import { showFailure, showNote } from "../shared/notes";
import { dayOf } from "../shared/time";
import { useKnown } from "../shared/viewer";
import { useWords } from "../shared/words";
import { Join } from "./join";
import { waitlistWords } from "./words";

// Lines are not live yet: they are asked for again so often, in milliseconds.
const AGAIN = 15_000;

export default function WaitlistPage() {
  const words = useWords(waitlistWords);
  const { entries, ask } = useEntries();
  return (
    <div className="shell-wide" style={{ maxWidth: "52rem" }}>
      <Stack gap="xl">
        <div>
          <Title order={1} size="h2">{words.title}</Title>
          <Text c="dimmed" mt={4}>{words.hint}</Text>
        </div>
        {entries?.filter(({ status }) => status === "OFFERED").map((entry) => (
          <Offer key={entry.id} entry={entry} onAnswered={ask} />
        ))}
        <section aria-labelledby="yours">
          <Title order={2} size="h4" mb="sm" id="yours">{words.yours}</Title>
          {entries?.length === 0 && <Text c="dimmed">{words.nowhere}</Text>}
          <Stack gap="sm">
            {entries?.filter(({ status }) => status === "WAITING").map((entry) => (
              <Waiting key={entry.id} entry={entry} onLeft={ask} />
            ))}
          </Stack>
        </section>
        <Join onJoined={ask} />
      </Stack>
    </div>
  );
}

function useEntries() {
  const [{ data }, execute] = useQuery({ query: MyWaitlistDocument, requestPolicy: "cache-and-network" });
  const ask = () => execute({ requestPolicy: "network-only" });
  useEffect(() => {
    const timer = setInterval(() => execute({ requestPolicy: "network-only" }), AGAIN);
    return () => clearInterval(timer);
  }, [execute]);
  return { entries: data?.waitlist.edges.map(({ node }) => node), ask };
}

function Offer({ entry, onAnswered }: { entry: EntryPartsFragment; onAnswered(): void }) {
  const words = useWords(waitlistWords);
  const dates = useDates();
  const [, go] = useLocation();
  const accept = useAct(AcceptOfferDocument);
  const decline = useAct(DeclineOfferDocument);
  const { offeredSlot: slot, offerExpiresAt } = entry;
  if (!slot || !offerExpiresAt) return null;
  const zone = slot.calendar.timeZone;
  const take = async () => {
    const outcome = await accept.run({ waitlistEntryId: entry.id });
    if (outcome.isDone) go(`/appointments/${outcome.payload.appointment!.id}?booked`);
    else showFailure(worded(outcome.refusal));
    onAnswered();
  };
  const refuse = async () => {
    const { refusal } = await decline.run({ waitlistEntryId: entry.id });
    if (refusal) showFailure(worded(refusal));
    onAnswered();
  };
  return (
    <Alert title={words.offered} role="status">
      <Stack gap="xs">
        <Text fw={640} size="lg">{dates.moment(slot.startsAt, zone)}</Text>
        <Text>{[entry.doctor?.name ?? entry.department?.name, dates.zone(zone, slot.startsAt)].join(" · ")}</Text>
        <Text size="sm">{words.keptUntil(dates.within(offerExpiresAt, zone))}</Text>
        <Group gap="xs" mt="xs">
          <Button loading={accept.isRunning} onClick={() => void take()}>{words.accept}</Button>
          <Button variant="default" loading={decline.isRunning} onClick={() => void refuse()}>{words.decline}</Button>
        </Group>
      </Stack>
    </Alert>
  );
}

function Waiting({ entry, onLeft }: { entry: EntryPartsFragment; onLeft(): void }) {
  const words = useWords(waitlistWords);
  const dates = useDates();
  const { clinic } = useKnown();
  const act = useAct(LeaveWaitlistDocument);
  const day = (instant: string) => dates.dayAndMonth(dayOf(instant, clinic.timeZone));
  const leave = async () => {
    const { refusal } = await act.run({ waitlistEntryId: entry.id });
    if (refusal) showFailure(worded(refusal));
    else showNote(words.left);
    onLeft();
  };
  return (
    <div className="panel">
      <Group justify="space-between">
        <div>
          <Text fw={600}>{entry.doctor?.name ?? entry.department?.name}</Text>
          <Text size="sm" c="dimmed">
            {words.range(day(entry.from), day(entry.to))}
            {entry.position !== null && ` · ${words.place(entry.position)}`}
          </Text>
        </div>
        <Button variant="default" loading={act.isRunning} onClick={() => void leave()}>{words.leave}</Button>
      </Group>
    </div>
  );
}
