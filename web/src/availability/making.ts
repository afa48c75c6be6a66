// Saving weekly hours and making their times: month by month, so that it shows how far it has come and can
// be stopped. What is there stays as it is, so it can be done again at any time.

import { useRef, useState } from "react";
import { useClient } from "urql";
import { MakeTimesDocument, SetHoursDocument, type UncoveredPartsFragment } from "../gql/graphql";
import { act, type Refusal } from "../shared/acts";
import type { Day } from "../shared/time";
import { added, inputOf, monthsOf, NOTHING, type Range, type Sum } from "./hours";

export type Made = Sum<UncoveredPartsFragment>;

export type Making =
  | { phase: "resting"; refusal: Refusal | null }
  | { phase: "running"; month: Day; done: number; of: number }
  | { phase: "done" | "stopped"; made: Made };

const RESTING: Making = { phase: "resting", refusal: null };

export function useMaking(calendarId: string) {
  const client = useClient();
  const [state, setState] = useState<Making>(RESTING);
  const isStopped = useRef(false);

  async function run(ranges: readonly Range[], from: Day, until: Day): Promise<void> {
    isStopped.current = false;
    const months = monthsOf(from, until);
    setState({ phase: "running", month: from, done: 0, of: months.length });
    const set = await act(client, SetHoursDocument, { calendarId, templates: ranges.map(inputOf) });
    if (!set.isDone) return setState({ phase: "resting", refusal: set.refusal });
    let made: Made = NOTHING;
    for (const [done, month] of months.entries()) {
      if (isStopped.current) return setState({ phase: "stopped", made });
      setState({ phase: "running", month: month.from, done, of: months.length });
      const { payload, refusal } = await act(client, MakeTimesDocument, { calendarId, ...month });
      // A month without hours, such as one before they begin, is as it should be.
      if (refusal && refusal.code !== "NO_AVAILABILITY") return setState({ phase: "resting", refusal });
      if (payload?.preview) made = added(made, payload.preview);
    }
    setState({ phase: "done", made });
  }

  return {
    state,
    run,
    stop: () => {
      isStopped.current = true;
    },
    forget: () => setState(RESTING),
  };
}
