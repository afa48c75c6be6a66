// A doctor's day on one sheet, for the screen and for paper.

import { ActionIcon, Button, Group, NativeSelect, Stack, Text, TextInput, Title } from "@mantine/core";
import { useMemo } from "react";
import { useQuery } from "urql";
import { useSearchParams } from "wouter";
import { DaySheetDocument, VisitDoctorsDocument, type DaySheetQuery } from "../gql/graphql";
import { useDates } from "../shared/dates";
import { Icon } from "../shared/icons";
import { NotLoaded } from "../shared/things";
import { addDays, isDay, startOfDay, today as dayNow, type Day } from "../shared/time";
import { useKnown } from "../shared/viewer";
import { useWords } from "../shared/words";
import styles from "./visits.module.css";
import { visitWords } from "./words";

type Visit = DaySheetQuery["appointments"]["edges"][number]["node"];

interface Whose {
  id: string;
  name: string;
  zone: string;
}

export default function DaySheetPage() {
  const { viewer } = useKnown();
  const own = viewer?.doctor;
  const [{ data }] = useQuery({ query: VisitDoctorsDocument, pause: Boolean(own) });
  const [params, setParams] = useSearchParams();
  const nodes = own ? [own] : (data?.doctors.edges.map(({ node }) => node) ?? []);
  const doctors = nodes.map(({ id, name, calendar }) => ({ id, name, zone: calendar.timeZone }));
  const doctor = doctors.find(({ id }) => id === params.get("doctor")) ?? doctors[0];
  if (!doctor) return null;
  const said = params.get("date") ?? "";
  const day = isDay(said) ? said : dayNow(doctor.zone);
  const go = (change: { doctor?: string; date?: Day }) => setParams({ doctor: doctor.id, date: day, ...change });
  return (
    <div className="shell-wide">
      <Stack gap="lg">
        <Head doctors={doctors} doctor={doctor} day={day} onGo={go} />
        <Sheet doctor={doctor} day={day} />
      </Stack>
    </div>
  );
}

interface HeadProps {
  doctors: Whose[];
  doctor: Whose;
  day: Day;
  onGo(change: { doctor?: string; date?: Day }): void;
}

function Head({ doctors, doctor, day, onGo }: HeadProps) {
  const words = useWords(visitWords);
  const dates = useDates();
  return (
    <>
      <div>
        <Title order={1} size="h2">{doctor.name}</Title>
        <Text>{dates.wholeDay(day)}</Text>
        <Text size="sm" c="dimmed">{words.zoneOf(dates.zone(doctor.zone, startOfDay(day, doctor.zone)))}</Text>
      </div>
      <Group className="no-print" align="flex-end" gap="xs">
        {doctors.length > 1 && (
          <NativeSelect
            size="md"
            label={words.doctor}
            value={doctor.id}
            onChange={({ currentTarget }) => onGo({ doctor: currentTarget.value })}
            data={doctors.map(({ id, name }) => ({ value: id, label: name }))}
          />
        )}
        <TextInput type="date" label={words.date} value={day} onChange={({ currentTarget: { value } }) => isDay(value) && onGo({ date: value })} />
        <ActionIcon variant="default" size={42} aria-label={words.previousDay} onClick={() => onGo({ date: addDays(day, -1) })}>
          <Icon name="left" />
        </ActionIcon>
        <ActionIcon variant="default" size={42} aria-label={words.nextDay} onClick={() => onGo({ date: addDays(day, 1) })}>
          <Icon name="right" />
        </ActionIcon>
        <Button size="md" leftSection={<Icon name="printer" size={18} />} onClick={() => window.print()}>{words.print}</Button>
      </Group>
    </>
  );
}

function Sheet({ doctor, day }: { doctor: Whose; day: Day }) {
  const words = useWords(visitWords);
  const filter = useMemo(
    () => ({
      doctorId: doctor.id,
      from: startOfDay(day, doctor.zone).toISOString(),
      to: startOfDay(addDays(day, 1), doctor.zone).toISOString(),
    }),
    [doctor.id, doctor.zone, day],
  );
  const [{ data, error }, ask] = useQuery({ query: DaySheetDocument, variables: { filter }, requestPolicy: "network-only" });
  if (error && !data) return <NotLoaded onAgain={() => ask({ requestPolicy: "network-only" })} />;
  if (!data) return <div className="panel" style={{ minHeight: "20rem" }} aria-busy />;
  const visits = data.appointments.edges.map(({ node }) => node);
  if (visits.length === 0) return <div className="panel">{words.noVisits}</div>;
  return (
    <div className="panel">
      <table className={styles.sheet} aria-label={words.daySheet}>
        <thead>
          <tr>
            <th scope="col">{words.time}</th>
            <th scope="col">{words.person}</th>
            <th scope="col" className={styles.side}>{words.reason}</th>
            <th scope="col" className={styles.side}>{words.status}</th>
            <th scope="col" className={styles.paper}>{words.remarks}</th>
          </tr>
        </thead>
        <tbody>{visits.map((visit) => <Line key={visit.id} visit={visit} zone={doctor.zone} />)}</tbody>
      </table>
      {data.appointments.pageInfo.hasNextPage && <Text mt="md" role="status">{words.moreVisits(visits.length)}</Text>}
    </div>
  );
}

function Line({ visit: { startsAt, endsAt, status, patient, guest, visitType, room, reason }, zone }: { visit: Visit; zone: string }) {
  const words = useWords(visitWords);
  const dates = useDates();
  const more = [patient?.birthDate && words.born(patient.birthDate), patient?.phone].filter(Boolean).join(" · ");
  const about = [visitType?.name, room?.name].filter(Boolean).join(" · ");
  return (
    <tr data-faded={status === "CANCELLED" || undefined}>
      <th scope="row">{dates.time(startsAt, zone)}–{dates.time(endsAt, zone)}</th>
      <td>
        {patient?.name ?? guest?.name}
        <small>{more}</small>
        <small className={styles.narrow}>{[reason, words[status]].filter(Boolean).join(" · ")}</small>
      </td>
      <td className={styles.side}>
        {reason}
        {about && <small>{about}</small>}
      </td>
      <td className={styles.side}>{words[status]}</td>
      <td className={styles.paper} />
    </tr>
  );
}
