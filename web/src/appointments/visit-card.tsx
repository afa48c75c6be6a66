// One appointment in a list.

import { Badge, Text } from "@mantine/core";
import { Link } from "wouter";
import type { OwnVisitPartsFragment } from "../gql/graphql";
import { useDates } from "../shared/dates";
import { useWords } from "../shared/words";
import styles from "./appointments.module.css";
import { ownVisitWords } from "./words";

export function VisitCard({ visit }: { visit: OwnVisitPartsFragment }) {
  const words = useWords(ownVisitWords);
  const dates = useDates();
  const zone = visit.slot.calendar.timeZone;
  return (
    <Link className={styles.card} href={`/appointments/${visit.id}`}>
      <span className={styles.when}>
        <strong>{dates.moment(visit.startsAt, zone)}</strong>
        <Text component="span" size="sm" c="dimmed">{dates.zone(zone, visit.startsAt)}</Text>
      </span>
      <span>
        {[visit.doctor?.name, visit.doctor?.specialty].filter(Boolean).join(" · ")}
        <Text component="span" display="block" size="sm" c="dimmed">{visit.doctor?.office?.name}</Text>
      </span>
      <Badge variant="light" tt="none" color={visit.status === "CANCELLED" || visit.status === "NO_SHOW" ? "gray" : "teal"}>
        {words[visit.status]}
      </Badge>
    </Link>
  );
}
