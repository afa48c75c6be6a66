// Finding a free time: with a certain doctor or with whoever is free first, day by day. What somebody else
// takes meanwhile is marked at once.

import { Alert, Button, Group, Stack, Text, Title } from "@mantine/core";
import { useEffect, useMemo, useState } from "react";
import { useQuery } from "urql";
import { DayOpeningsDocument, FirstOpeningDocument } from "../gql/graphql";
import { useDates } from "../shared/dates";
import { dayOf, type Day } from "../shared/time";
import { useKnown } from "../shared/viewer";
import { useWords } from "../shared/words";
import { DayBar } from "./day-bar";
import { Filters } from "./filters";
import { Openings, type Opening } from "./openings";
import { searchFor, useWishes, type Wishes } from "./search";
import { bookingWords } from "./words";

export default function BookingPage() {
  const words = useWords(bookingWords);
  const [wishes, wish] = useWishes();
  // One moment for all questions of a visit to this page, or each drawing would ask anew.
  const [now] = useState(() => new Date());
  const { clinic } = useKnown();
  const from = useMemo(() => searchFor({ ...wishes, date: null }, now), [wishes, now]);
  const [{ data, stale }] = useQuery({ query: FirstOpeningDocument, variables: { search: from } });
  const first = data?.openings.edges[0]?.node;
  const firstDay = first ? dayOf(first.startsAt, clinic.timeZone) : null;
  const day = wishes.date ?? firstDay;
  return (
    <div className="shell-wide">
      <Stack gap="lg">
        <Title order={1} size="h2">{wishes.instead ? words.titleInstead : words.title}</Title>
        <Filters wishes={wishes} onWish={(change) => wish({ date: null, ...change })} />
        {data && !stale && !first && <Nothing />}
        {day && firstDay && (
          <>
            <DayBar day={day} firstDay={firstDay} onDay={(date) => wish({ date })} />
            <DayTimes wishes={wishes} day={day} firstDay={firstDay} now={now} onDay={(date) => wish({ date })} />
          </>
        )}
      </Stack>
    </div>
  );
}

function Nothing() {
  const words = useWords(bookingWords);
  return (
    <Alert title={words.nothingAtAll}>
      <Text size="sm">{words.nothingHint}</Text>
    </Alert>
  );
}

interface DayTimesProps {
  wishes: Wishes;
  day: Day;
  firstDay: Day;
  now: Date;
  onDay(day: Day): void;
}

function DayTimes({ wishes, day, firstDay, now, onDay }: DayTimesProps) {
  const words = useWords(bookingWords);
  const dates = useDates();
  const { clinic } = useKnown();
  const zone = clinic.timeZone;
  const search = useMemo(() => searchFor(wishes, now, { day, zone }), [wishes, now, day, zone]);
  const { openings, hasMore, isKnown, more } = usePages(search);
  return (
    <section aria-labelledby="day" aria-busy={!isKnown}>
      <Stack gap="md">
        <Group justify="space-between" align="baseline">
          <Title order={2} size="h4" id="day">{dates.wholeDay(day)}</Title>
          {isKnown && <Text c="dimmed" size="sm" role="status">{(hasMore ? words.manyTimes : words.freeTimes)(openings.length)}</Text>}
        </Group>
        {isKnown && openings.length === 0 && (
          <Group>
            <Text>{words.nothing}</Text>
            {firstDay !== day && (
              <Button variant="light" onClick={() => onDay(firstDay)}>{words.nextDay(dates.dayAndMonth(firstDay))}</Button>
            )}
          </Group>
        )}
        <Openings openings={openings} window={{ from: search.from, to: search.to! }} wishes={wishes} />
        {hasMore && <Button variant="default" onClick={more}>{words.moreTimes}</Button>}
      </Stack>
    </section>
  );
}

/** The openings of a day, a hundred at a time. */
function usePages(search: ReturnType<typeof searchFor>) {
  const [pages, setPages] = useState<string[]>([]);
  useEffect(() => setPages([]), [search]);
  const after = pages.at(-1) ?? null;
  const [{ data }] = useQuery({ query: DayOpeningsDocument, variables: { search, after }, requestPolicy: "cache-and-network" });
  const [held, setHeld] = useState<{ search: typeof search; nodes: Opening[] }>({ search, nodes: [] });
  useEffect(() => {
    if (!data) return;
    const nodes = data.openings.edges.map(({ node }) => node);
    setHeld((before) => {
      const known = after && before.search === search ? before.nodes : [];
      const ids = new Set(nodes.map(({ slot }) => slot.id));
      return { search, nodes: [...known.filter(({ slot }) => !ids.has(slot.id)), ...nodes] };
    });
  }, [data, after, search]);
  const { hasNextPage, endCursor } = data?.openings.pageInfo ?? { hasNextPage: false, endCursor: null };
  return {
    openings: held.search === search ? held.nodes : [],
    isKnown: data !== undefined && held.search === search,
    hasMore: hasNextPage,
    more: () => endCursor && setPages((before) => [...before, endCursor]),
  };
}
