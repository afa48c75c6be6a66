// The list of appointments: filtered and paged by the server, exported as it is filtered.

import { Button, Group, Stack, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useMemo } from "react";
import { useQuery } from "urql";
import { Link } from "wouter";
import { VisitsDocument } from "../gql/graphql";
import { useDates } from "../shared/dates";
import { Icon } from "../shared/icons";
import { Pager, usePages } from "../shared/pager";
import { NotLoaded, Things } from "../shared/things";
import { today as dayNow } from "../shared/time";
import { useKnown } from "../shared/viewer";
import { useWords } from "../shared/words";
import { useExport } from "./exporting";
import { filterOf, useWanted } from "./filter";
import { Filters } from "./filters";
import { rowOf, type VisitRow } from "./rows";
import { visitWords } from "./words";

const PAGE = 20;

export default function VisitsPage() {
  const words = useWords(visitWords);
  const dates = useDates();
  const { clinic } = useKnown();
  const zone = clinic.timeZone;
  const today = dayNow(zone);
  const [wanted, want] = useWanted(useMemo(() => ({ from: today }), [today]));
  const [settled] = useDebouncedValue(wanted, 250);
  const filter = useMemo(() => filterOf(settled, zone), [settled, zone]);
  const newestFirst = settled.isNewestFirst;
  const pages = usePages(JSON.stringify([filter, newestFirst]));
  const variables = { first: PAGE, after: pages.after, filter, newestFirst };
  const [{ data, error }, ask] = useQuery({ query: VisitsDocument, variables, requestPolicy: "cache-and-network" });
  const exporting = useExport(zone);
  const found = data?.appointments;
  const rows = found?.edges.map(({ node }) => rowOf(node, words, dates, zone)) ?? null;
  const { progress } = exporting;
  return (
    <div className="shell-wide">
      <Stack gap="lg">
        <Group justify="space-between">
          <Title order={1} size="h2">{words.appointments}</Title>
          <Group gap="xs">
            <Button component={Link} href="/visits/day" variant="default" leftSection={<Icon name="printer" size={18} />}>
              {words.daySheet}
            </Button>
            <Button
              variant="default"
              leftSection={<Icon name="download" size={18} />}
              disabled={progress !== null}
              onClick={() => void exporting.run(filter, newestFirst)}
            >
              {progress ? words.exporting(progress.done, progress.all) : words.export}
            </Button>
          </Group>
        </Group>
        <Filters wanted={wanted} onWant={want} />
        <div className="panel">
          {error && !data && <NotLoaded onAgain={() => ask({ requestPolicy: "network-only" })} />}
          {!(error && !data) && <Visits rows={rows} />}
          {found && <Pager pages={pages} next={found.pageInfo.hasNextPage ? found.pageInfo.endCursor : null} total={found.totalCount} />}
        </div>
      </Stack>
    </div>
  );
}

function Visits({ rows }: { rows: VisitRow[] | null }) {
  const words = useWords(visitWords);
  return (
    <Things
      label={words.appointments}
      columns={[words.person, words.when, words.doctor, words.what, words.status, words.reference]}
      things={rows}
      actions={(row) => <ToCalendar row={row} />}
    />
  );
}

export function ToCalendar({ row: { calendarHref, title, details } }: { row: VisitRow }) {
  const words = useWords(visitWords);
  if (!calendarHref) return null;
  const name = `${words.inCalendar}: ${title}, ${details[0]}`;
  return (
    <Button component={Link} href={calendarHref} variant="light" size="compact-md" aria-label={name}>
      {words.inCalendar}
    </Button>
  );
}
