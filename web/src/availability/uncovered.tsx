// Appointments that lie outside of the hours: each leads to its day in the calendar, where it can be moved.

import { Alert, Anchor, Text } from "@mantine/core";
import { Link } from "wouter";
import type { UncoveredPartsFragment } from "../gql/graphql";
import { useDates } from "../shared/dates";
import { dayOf } from "../shared/time";
import { useWords } from "../shared/words";
import { availabilityWords } from "./words";

const SHOWN = 20;

interface Props {
  visits: readonly UncoveredPartsFragment[];
  zone: string;
  title: string;
}

export function Uncovered({ visits, zone, title }: Props) {
  const words = useWords(availabilityWords);
  const dates = useDates();
  if (visits.length === 0) return null;
  return (
    <Alert color="yellow" title={title}>
      <ul style={{ margin: 0, paddingInlineStart: "1.2rem" }}>
        {visits.slice(0, SHOWN).map(({ id, startsAt, doctor, patient, reference }) => (
          <li key={id}>
            <Anchor component={Link} href={calendarAt(dayOf(startsAt, zone), doctor?.id)} c="inherit">
              {dates.moment(startsAt, zone)}
            </Anchor>
            {` · ${patient?.name ?? reference}`}
            {doctor && ` · ${doctor.name}`}
          </li>
        ))}
      </ul>
      {visits.length > SHOWN && <Text size="sm">{words.more(visits.length - SHOWN)}</Text>}
    </Alert>
  );
}

function calendarAt(day: string, doctorId: string | undefined): string {
  return `/calendar?view=week&date=${day}${doctorId ? `&doctors=${doctorId}` : ""}`;
}
