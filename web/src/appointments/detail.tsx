// One appointment of one's own: what it is, and what can still be done with it.

import { Alert, Button, Group, Stack, Text, Title } from "@mantine/core";
import { useState } from "react";
import { useQuery } from "urql";
import { Link, useParams, useSearchParams } from "wouter";
import { CancelVisitDocument, VisitDocument, type OwnVisitPartsFragment } from "../gql/graphql";
import { useAct, worded, type Refusal } from "../shared/acts";
import { useDates } from "../shared/dates";
import { Icon } from "../shared/icons";
import { isSameClock, ownZone } from "../shared/time";
import { useKnown } from "../shared/viewer";
import { useWords } from "../shared/words";
import styles from "./appointments.module.css";
import { download, icsOf } from "../shared/ics";
import { useMyAppointments } from "./mine";
import { ownVisitWords } from "./words";

export default function AppointmentPage() {
  const words = useWords(ownVisitWords);
  const { id = "" } = useParams<{ id: string }>();
  const [{ data }] = useQuery({ query: VisitDocument, variables: { id }, requestPolicy: "cache-and-network" });
  const own = useMyAppointments()?.find((visit) => visit.id === id);
  const [params] = useSearchParams();
  if (!data) return null;
  const asked = data.node?.__typename === "Appointment" ? data.node : null;
  // What came last is true: what is asked once may be older than what is watched.
  const visit = own && asked && own.version >= asked.version ? own : asked;
  if (!visit) return <Gone />;
  const news = params.has("booked") ? words.booked : params.has("moved") ? words.moved : null;
  return (
    <div className="shell-narrow" style={{ maxWidth: "36rem" }}>
      <Stack gap="lg">
        <Title order={1} size="h2">{(visit.status === "BOOKED" && news) || words.appointment}</Title>
        <div className="panel">
          <Stack gap="lg">
            <Facts visit={visit} />
            {visit.status === "BOOKED" && <Actions visit={visit} />}
          </Stack>
        </div>
        <Button component={Link} href="/appointments" variant="subtle" style={{ alignSelf: "flex-start" }}>{words.all}</Button>
      </Stack>
    </div>
  );
}

function Gone() {
  const words = useWords(ownVisitWords);
  return (
    <div className="shell-narrow">
      <Title order={1} size="h2">{words.gone}</Title>
      <Text c="dimmed">{words.goneHint}</Text>
    </div>
  );
}

function Facts({ visit }: { visit: OwnVisitPartsFragment }) {
  const words = useWords(ownVisitWords);
  const dates = useDates();
  const zone = visit.slot.calendar.timeZone;
  const isElsewhere = !isSameClock(visit.startsAt, zone, ownZone());
  const { doctor } = visit;
  const facts = [
    [words.reference, visit.reference],
    [words.visit, visit.visitType?.name],
    [words.reason, visit.reason],
  ].filter(([, value]) => value);
  return (
    <div>
      <Text fw={640} size="xl" td={visit.status === "CANCELLED" ? "line-through" : undefined}>
        {dates.moment(visit.startsAt, zone)}
      </Text>
      <Text size="sm" c="dimmed">
        {dates.zone(zone, visit.startsAt)}
        {isElsewhere && ` · ${words.yours(dates.moment(visit.startsAt, ownZone()))}`}
      </Text>
      <Text mt="sm">{[doctor?.name, doctor?.specialty].filter(Boolean).join(" · ")}</Text>
      <Text c="dimmed">{[doctor?.office?.name, doctor?.office?.address].filter(Boolean).join(", ")}</Text>
      <Text mt="sm" fw={600}>{words[visit.status]}</Text>
      <dl className={styles.facts} style={{ marginTop: "0.75rem" }}>
        {facts.map(([name, value]) => (
          <div key={name} style={{ display: "contents" }}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

function Actions({ visit }: { visit: OwnVisitPartsFragment }) {
  const words = useWords(ownVisitWords);
  const dates = useDates();
  const { clinic } = useKnown();
  const until = visit.canCancelUntil;
  const isOpen = until !== null && Date.parse(until) > Date.now();
  const save = () => {
    const { id, startsAt, endsAt, doctor } = visit;
    const place = [doctor?.office?.name, doctor?.office?.address].filter(Boolean).join(", ");
    const note = [doctor?.name, `${words.reference} ${visit.reference}`].filter(Boolean).join("\n");
    download(`${visit.reference}.ics`, icsOf({ id, startsAt, endsAt, title: words.at(clinic.name), place, note }));
  };
  return (
    <Stack gap="md" className={styles.actions}>
      <Button onClick={save} leftSection={<Icon name="download" />} style={{ alignSelf: "flex-start" }}>{words.download}</Button>
      <Text size="sm" c="dimmed">
        {isOpen ? words.until(dates.within(until, visit.slot.calendar.timeZone)) : words.tooLate}
      </Text>
      {isOpen && <Changes visit={visit} />}
    </Stack>
  );
}

function Changes({ visit }: { visit: OwnVisitPartsFragment }) {
  const words = useWords(ownVisitWords);
  const [isAsked, setIsAsked] = useState(false);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const act = useAct(CancelVisitDocument);
  const cancel = async () => setRefusal((await act.run({ appointmentId: visit.id })).refusal);
  const again = new URLSearchParams({ instead: visit.id, ...(visit.doctor && { doctor: visit.doctor.id }) });
  return (
    <Stack gap="sm">
      {refusal && <Alert color="red" role="alert">{worded(refusal)}</Alert>}
      {isAsked && <Text size="sm">{words.cancelHint}</Text>}
      <Group gap="xs">
        {isAsked ? (
          <>
            <Button color="red" loading={act.isRunning} onClick={() => void cancel()}>{words.reallyCancel}</Button>
            <Button variant="default" onClick={() => setIsAsked(false)}>{words.keep}</Button>
          </>
        ) : (
          <>
            <Button component={Link} href={`/book?${again}`} variant="default">{words.move}</Button>
            <Button variant="default" onClick={() => setIsAsked(true)}>{words.cancel}</Button>
          </>
        )}
      </Group>
    </Stack>
  );
}
