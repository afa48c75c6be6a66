// Appointments as rows: of a table, and of a file.

import type { VisitPartsFragment } from "../gql/graphql";
import type { Dates } from "../shared/dates";
import type { Thing } from "../shared/things";
import { dayOf } from "../shared/time";
import type { visitWords } from "./words";

type Said = (typeof visitWords)["en"];

export interface VisitRow extends Thing {
  calendarHref: string | null;
}

export function rowOf(visit: VisitPartsFragment, words: Said, dates: Dates, zone: string): VisitRow {
  const { id, reference, startsAt, status, patient, doctor } = visit;
  const day = dayOf(startsAt, zone);
  const when = `${dates.dayAndMonth(day)} ${day.slice(0, 4)}, ${dates.time(startsAt, zone)}`;
  return {
    id,
    title: personOf(visit),
    ...(patient ? { href: `/patients/${patient.id}` } : {}),
    isFaded: status === "CANCELLED",
    details: [when, doctor?.name ?? "", whatFor(visit), words[status], reference],
    calendarHref: doctor ? `/calendar?view=day&date=${day}&doctors=${doctor.id}` : null,
  };
}

/** The same where the person is known already: the moment names the row. */
export function rowOfPatient(visit: VisitPartsFragment, words: Said, dates: Dates, zone: string): VisitRow {
  const { href: _, ...row } = rowOf(visit, words, dates, zone);
  return { ...row, title: row.details[0]!, details: row.details.slice(1) };
}

/** What a file has of each appointment; days and times as spreadsheets sort them. */
export function fileRows(visits: readonly VisitPartsFragment[], words: Said, dates: Dates, zone: string): string[][] {
  const head = [words.reference, words.date, words.start, words.end, words.status, words.person, words.doctor, words.what];
  return [
    head,
    ...visits.map((visit) => [
      visit.reference,
      dayOf(visit.startsAt, zone),
      dates.time(visit.startsAt, zone),
      dates.time(visit.endsAt, zone),
      words[visit.status],
      personOf(visit),
      visit.doctor?.name ?? "",
      whatFor(visit),
    ]),
  ];
}

function personOf({ patient, guest }: VisitPartsFragment): string {
  return patient?.name ?? guest?.name ?? "–";
}

function whatFor({ visitType, event }: VisitPartsFragment): string {
  return visitType?.name ?? event?.title ?? "";
}
