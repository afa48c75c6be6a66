// A patient's own appointments: what is ahead, live, and what was before.

import { Button, Skeleton, Stack, Text, Title } from "@mantine/core";
import { useEffect, useState } from "react";
import { useQuery } from "urql";
import { Link } from "wouter";
import { PastVisitsDocument, type OwnVisitPartsFragment } from "../gql/graphql";
import { useWords } from "../shared/words";
import styles from "./appointments.module.css";
import { useMyAppointments } from "./mine";
import { VisitCard } from "./visit-card";
import { ownVisitWords } from "./words";

export default function AppointmentsPage() {
  const words = useWords(ownVisitWords);
  const visits = useMyAppointments();
  return (
    <div className="shell-wide" style={{ maxWidth: "52rem" }}>
      <Stack gap="xl">
        <Title order={1} size="h2">{words.title}</Title>
        <section aria-labelledby="upcoming" aria-busy={visits === null}>
          <Title order={2} size="h4" mb="sm" id="upcoming">{words.upcoming}</Title>
          {visits === null && <Skeleton height={88} radius="md" />}
          {visits?.length === 0 && <None />}
          {visits && <List visits={visits} />}
        </section>
        <Past />
      </Stack>
    </div>
  );
}

function List({ visits }: { visits: readonly OwnVisitPartsFragment[] }) {
  return (
    <ul className={styles.list}>
      {visits.map((visit) => (
        <li key={visit.id}>
          <VisitCard visit={visit} />
        </li>
      ))}
    </ul>
  );
}

function None() {
  const words = useWords(ownVisitWords);
  return (
    <div className="panel">
      <Stack align="flex-start" gap="xs">
        <Text fw={600}>{words.none}</Text>
        <Text c="dimmed">{words.noneHint}</Text>
        <Button component={Link} href="/book" mt="xs">{words.find}</Button>
      </Stack>
    </div>
  );
}

function Past() {
  const words = useWords(ownVisitWords);
  const [to] = useState(() => new Date().toISOString());
  const [after, setAfter] = useState<string | null>(null);
  const [visits, setVisits] = useState<OwnVisitPartsFragment[]>([]);
  const [{ data }] = useQuery({ query: PastVisitsDocument, variables: { to, after } });
  useEffect(() => {
    if (!data) return;
    const found = data.appointments.edges.map(({ node }) => node);
    setVisits((before) => [...before.filter(({ id }) => !found.some((one) => one.id === id)), ...found]);
  }, [data]);
  const page = data?.appointments.pageInfo;
  if (visits.length === 0) return null;
  return (
    <section aria-labelledby="past">
      <Title order={2} size="h4" mb="sm" id="past">{words.past}</Title>
      <List visits={visits} />
      {page?.hasNextPage && (
        <Button variant="default" mt="sm" onClick={() => setAfter(page.endCursor)}>{words.more}</Button>
      )}
    </section>
  );
}
