// The page of one patient: who it is, the visits to come and those that were.

import { Button, Group, Stack, Title } from "@mantine/core";
import { useState } from "react";
import { useQuery } from "urql";
import { Link, useParams } from "wouter";
import { PatientFactsDocument, VisitsDocument, type AppointmentFilter } from "../gql/graphql";
import { useDates } from "../shared/dates";
import { Pager, usePages } from "../shared/pager";
import { NotLoaded, Things } from "../shared/things";
import { useKnown } from "../shared/viewer";
import { useWords } from "../shared/words";
import { ToCalendar } from "./page";
import { rowOfPatient } from "./rows";
import styles from "./visits.module.css";
import { visitWords } from "./words";

const PAGE = 20;

export default function PatientPage() {
  const words = useWords(visitWords);
  const { id = "" } = useParams();
  // One moment parts what was from what comes, for as long as the page is looked at.
  const [now] = useState(() => new Date().toISOString());
  const [{ data, error }, ask] = useQuery({ query: PatientFactsDocument, variables: { id }, requestPolicy: "cache-and-network" });
  if (error && !data) return <div className="shell-wide"><NotLoaded onAgain={() => ask({ requestPolicy: "network-only" })} /></div>;
  if (!data) return null;
  const patient = data.node && "name" in data.node ? data.node : null;
  if (!patient) return <Nobody />;
  return (
    <div className="shell-wide">
      <Stack gap="lg">
        <Group justify="space-between">
          <Title order={1} size="h2">{patient.name}</Title>
          <Button component={Link} href="/calendar" variant="default">{words.book}</Button>
        </Group>
        <Facts facts={[[words.phone, patient.phone], [words.email, patient.email], [words.birthDate, patient.birthDate], [words.notes, patient.notes]]} />
        <Part title={words.coming} empty={words.noComing} filter={{ patientId: id, from: now }} isNewestFirst={false} />
        <Part title={words.history} empty={words.noHistory} filter={{ patientId: id, to: now }} isNewestFirst />
      </Stack>
    </div>
  );
}

function Nobody() {
  const words = useWords(visitWords);
  return (
    <div className="shell-narrow">
      <Title order={1} size="h2">{words.noPatient}</Title>
      <p>{words.noPatientHint}</p>
    </div>
  );
}

function Facts({ facts }: { facts: [string, string | null][] }) {
  const known = facts.filter(([, fact]) => fact);
  if (known.length === 0) return null;
  return (
    <dl className={`panel ${styles.facts}`}>
      {known.map(([name, fact]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{fact}</dd>
        </div>
      ))}
    </dl>
  );
}

interface PartProps {
  title: string;
  empty: string;
  filter: AppointmentFilter;
  isNewestFirst: boolean;
}

function Part({ title, empty, filter, isNewestFirst }: PartProps) {
  const words = useWords(visitWords);
  const dates = useDates();
  const { clinic } = useKnown();
  const pages = usePages(JSON.stringify(filter));
  const variables = { first: PAGE, after: pages.after, filter, newestFirst: isNewestFirst };
  const [{ data }] = useQuery({ query: VisitsDocument, variables, requestPolicy: "cache-and-network" });
  const found = data?.appointments;
  const rows = found?.edges.map(({ node }) => rowOfPatient(node, words, dates, clinic.timeZone)) ?? null;
  return (
    <section className="panel">
      <Title order={2} size="h4" mb="sm">{title}</Title>
      <Things
        label={title}
        columns={[words.when, words.doctor, words.what, words.status, words.reference]}
        things={rows}
        empty={empty}
        actions={(row) => <ToCalendar row={row} />}
      />
      {found && <Pager pages={pages} next={found.pageInfo.hasNextPage ? found.pageInfo.endCursor : null} total={found.totalCount} />}
    </section>
  );
}
