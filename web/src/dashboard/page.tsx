// The overview for staff: today, live, and some days in numbers.

import { Group, NativeSelect, Stack, Title } from "@mantine/core";
import { useState } from "react";
import { useQuery } from "urql";
import { DashboardDepartmentsDocument, ReportDocument } from "../gql/graphql";
import { NotLoaded } from "../shared/things";
import { today as dayNow } from "../shared/time";
import { useKnown } from "../shared/viewer";
import { useWords } from "../shared/words";
import { ByDay, ByDoctor, ByStatus, percent } from "./charts";
import { daysOf, PERIODS, type Period } from "./counts";
import styles from "./dashboard.module.css";
import { Tiles, Today } from "./today";
import { dashboardWords } from "./words";

export default function DashboardPage() {
  const words = useWords(dashboardWords);
  const { clinic } = useKnown();
  const [department, setDepartment] = useState<string | null>(null);
  const [period, setPeriod] = useState<Period>("past28");
  return (
    <div className="shell-wide">
      <Stack gap="xl">
        <Group justify="space-between" align="flex-end">
          <Title order={1} size="h2">{words.overview}</Title>
          <Departments department={department} onChoose={setDepartment} />
        </Group>
        <Today department={department} />
        <Group>
          <NativeSelect
            size="md"
            label={words.period}
            value={period}
            onChange={({ currentTarget }) => setPeriod(currentTarget.value as Period)}
            data={PERIODS.map((value) => ({ value, label: words[value] }))}
          />
        </Group>
        <Report {...daysOf(period, dayNow(clinic.timeZone))} department={department} />
      </Stack>
    </div>
  );
}

function Departments({ department, onChoose }: { department: string | null; onChoose(id: string | null): void }) {
  const words = useWords(dashboardWords);
  const { viewer } = useKnown();
  // Doctors see their own numbers anyway.
  const isOwn = viewer?.role === "DOCTOR";
  const [{ data }] = useQuery({ query: DashboardDepartmentsDocument, pause: isOwn });
  if (isOwn) return null;
  const departments = data?.departments.edges.map(({ node }) => ({ value: node.id, label: node.name })) ?? [];
  return (
    <NativeSelect
      size="md"
      label={words.department}
      value={department ?? ""}
      onChange={({ currentTarget }) => onChoose(currentTarget.value || null)}
      data={[{ value: "", label: words.everybody }, ...departments]}
    />
  );
}

interface ReportProps {
  from: string;
  until: string;
  department: string | null;
}

function Report({ from, until, department }: ReportProps) {
  const words = useWords(dashboardWords);
  const [{ data, error }, ask] = useQuery({
    query: ReportDocument,
    variables: { from, until, department },
    requestPolicy: "cache-and-network",
  });
  if (error && !data) return <NotLoaded onAgain={() => ask({ requestPolicy: "network-only" })} />;
  if (!data) return <div style={{ minHeight: "40rem" }} aria-busy />;
  const found = data.statistics;
  return (
    <Stack gap="lg">
      <Tiles
        tiles={[
          [words.count, String(found.appointmentCount)],
          [words.noShowRate, percent(found.noShowRate)],
          [words.cancellationRate, percent(found.cancellationRate)],
          [words.lead, ahead(found.averageLeadHours, words)],
        ]}
      />
      <div className={styles.columns}>
        <section className="panel"><ByDay days={found.appointmentsByDay} /></section>
        <div className={styles.stack}>
          <section className="panel"><ByStatus statuses={found.appointmentsByStatus} /></section>
          <section className="panel"><ByDoctor doctors={found.byDoctor} /></section>
        </div>
      </div>
    </Stack>
  );
}

/** How long before their visit people book: in hours up to two days, then in days. */
export function ahead(hours: number | null, words: (typeof dashboardWords)["en"]): string {
  if (hours === null) return words.unknown;
  return hours < 48 ? words.hours(Math.round(hours)) : words.days(Math.round(hours / 24));
}
