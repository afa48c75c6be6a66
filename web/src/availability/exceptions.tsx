// Closed days and extra hours of one calendar, and those of the whole clinic that hold for it.

import { Badge, Button, Group, Stack, Text, Title } from "@mantine/core";
import { useMemo } from "react";
import { useQuery } from "urql";
import { ExceptionsDocument, RemoveExceptionDocument, type ExceptionPartsFragment, type ExceptionsQuery } from "../gql/graphql";
import { useAct, worded } from "../shared/acts";
import { useDates } from "../shared/dates";
import { showFailure, showNote } from "../shared/notes";
import { addDays, startOfDay, today as dayNow } from "../shared/time";
import { useKnown } from "../shared/viewer";
import { useWords } from "../shared/words";
import styles from "./availability.module.css";
import { ExceptionForm } from "./exception-form";
import { stretchWritten } from "./exception-times";
import { Holidays } from "./holidays";
import type { Owner } from "./owners";
import { availabilityWords } from "./words";

export function Exceptions({ owner }: { owner: Owner }) {
  const words = useWords(availabilityWords);
  const { viewer } = useKnown();
  const today = dayNow(owner.zone);
  const variables = useMemo(() => {
    const [a, b, c, d, e] = [0, 91, 182, 273, 365].map((days) => startOfDay(addDays(today, days), owner.zone).toISOString());
    return { calendarId: owner.calendarId, a: a!, b: b!, c: c!, d: d!, e: e! };
  }, [owner, today]);
  const [{ data }, ask] = useQuery({ query: ExceptionsDocument, variables, requestPolicy: "cache-and-network" });
  const again = () => ask({ requestPolicy: "network-only" });
  const exceptions = exceptionsIn(data?.calendar ?? null);
  return (
    <>
      <section className="panel">
        <Stack gap="md">
          <div>
            <Title order={2} size="h4">{words.exceptions}</Title>
            <Text c="dimmed" size="sm">{words.exceptionsHint}</Text>
          </div>
          {data?.calendar && exceptions.length === 0 && <Text>{words.noExceptions}</Text>}
          <ul className={styles.list}>
            {exceptions.map((exception) => (
              <Exception key={exception.id} exception={exception} owner={owner} onRemoved={again} />
            ))}
          </ul>
          <ExceptionForm owner={owner} onAdded={again} />
        </Stack>
      </section>
      {viewer?.role !== "DOCTOR" && <Holidays owner={owner} onImported={again} />}
    </>
  );
}

/** What lies in two windows is there once. */
function exceptionsIn(calendar: ExceptionsQuery["calendar"]): ExceptionPartsFragment[] {
  if (!calendar) return [];
  const { first, second, third, fourth } = calendar;
  const all = [...first, ...second, ...third, ...fourth];
  return [...new Map(all.map((one) => [one.id, one])).values()];
}

interface ExceptionProps {
  exception: ExceptionPartsFragment;
  owner: Owner;
  onRemoved(): void;
}

function Exception({ exception, owner, onRemoved }: ExceptionProps) {
  const words = useWords(availabilityWords);
  const dates = useDates();
  const { viewer, clinic } = useKnown();
  const removing = useAct(RemoveExceptionDocument);
  const { id, startsAt, endsAt, kind, reason, calendar } = exception;
  const isOwn = calendar !== null;
  const when = stretchWritten(startsAt, endsAt, isOwn ? owner.zone : clinic.timeZone, dates);
  const remove = async () => {
    const { isDone, refusal } = await removing.run({ exceptionId: id });
    if (!isDone) return showFailure(worded(refusal));
    showNote(words.wasRemoved);
    onRemoved();
  };
  return (
    <li>
      <div>
        <Group gap="xs">
          <Badge variant="light" tt="none" color={kind === "CLOSED" ? "gray" : "teal"} c="inherit">{words[kind]}</Badge>
          <span>{when}</span>
        </Group>
        <Text size="sm" c="dimmed">{[!isOwn && words.wholeClinic, reason].filter(Boolean).join(" · ")}</Text>
      </div>
      {(isOwn || viewer?.role !== "DOCTOR") && (
        <Button variant="subtle" size="compact-md" aria-label={words.removeOf(when)} loading={removing.isRunning} onClick={() => void remove()}>
          {words.remove}
        </Button>
      )}
    </li>
  );
}
