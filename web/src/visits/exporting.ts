// A file of all that is filtered, page by page as the server gives it.

import { useState } from "react";
import { useClient } from "urql";
import { VisitsDocument, type AppointmentFilter, type VisitPartsFragment } from "../gql/graphql";
import { csvOf, saveFile } from "../shared/csv";
import { useDates } from "../shared/dates";
import { showFailure, showNote } from "../shared/notes";
import { useWords } from "../shared/words";
import { fileRows } from "./rows";
import { visitWords } from "./words";

export const MOST = 10_000;
const PAGE = 100;

export function useExport(zone: string) {
  const client = useClient();
  const words = useWords(visitWords);
  const dates = useDates();
  const [progress, setProgress] = useState<{ done: number; all: number } | null>(null);

  async function all(filter: AppointmentFilter, newestFirst: boolean): Promise<VisitPartsFragment[] | null> {
    const found: VisitPartsFragment[] = [];
    let after: string | null = null;
    do {
      const variables: { first: number; after: string | null; filter: AppointmentFilter; newestFirst: boolean } = {
        first: PAGE, after, filter, newestFirst,
      };
      const { data } = await client.query(VisitsDocument, variables, { requestPolicy: "network-only" });
      if (!data) return null;
      const { edges, pageInfo, totalCount } = data.appointments;
      if (totalCount > MOST) throw new RangeError();
      found.push(...edges.map(({ node }) => node));
      setProgress({ done: found.length, all: totalCount });
      after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
    } while (after);
    return found;
  }

  async function run(filter: AppointmentFilter, newestFirst: boolean): Promise<void> {
    setProgress({ done: 0, all: 0 });
    try {
      const found = await all(filter, newestFirst);
      if (!found) return showFailure(words.notExported);
      saveFile("appointments.csv", csvOf(fileRows(found, words, dates, zone)), "text/csv;charset=utf-8");
      showNote(words.exported(found.length));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      showFailure(words.tooMany(MOST));
    } finally {
      setProgress(null);
    }
  }

  return { run, progress };
}
