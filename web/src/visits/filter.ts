// What is filtered for: kept in the address, so that it can be shared and gone back to, and asked of the
// server, which filters.

import { useCallback, useMemo } from "react";
import { useSearchParams } from "wouter";
import type { AppointmentFilter, AppointmentStatus } from "../gql/graphql";
import { addDays, isDay, startOfDay, type Day } from "../shared/time";

export const STATUSES: readonly AppointmentStatus[] = ["BOOKED", "CHECKED_IN", "COMPLETED", "CANCELLED", "NO_SHOW"];

export interface Wanted {
  status: AppointmentStatus[];
  doctor: string;
  from: Day | "";
  until: Day | "";
  search: string;
  isNewestFirst: boolean;
}

export function useWanted(usual: Partial<Wanted>): [Wanted, (change: Partial<Wanted>) => void] {
  const [params, setParams] = useSearchParams();
  const wanted = useMemo(() => wantedIn(params, usual), [params, usual]);
  const want = useCallback(
    (change: Partial<Wanted>) => {
      const { status, isNewestFirst, ...rest } = { ...wanted, ...change };
      const said = { status: status.join(","), order: isNewestFirst ? "newest" : "oldest", ...rest };
      setParams(said, { replace: true });
    },
    [wanted, setParams],
  );
  return [wanted, want];
}

export function wantedIn(params: URLSearchParams, usual: Partial<Wanted> = {}): Wanted {
  const day = (name: "from" | "until") => {
    const said = params.get(name);
    if (said === null) return usual[name] ?? "";
    return isDay(said) ? said : "";
  };
  return {
    status: STATUSES.filter((one) => (params.get("status") ?? "").split(",").includes(one)),
    doctor: params.get("doctor") ?? usual.doctor ?? "",
    from: day("from"),
    until: day("until"),
    search: params.get("search") ?? "",
    isNewestFirst: params.get("order") === "newest",
  };
}

/** The filter as the API takes it; days are those of the clinic's zone. */
export function filterOf({ status, doctor, from, until, search }: Wanted, zone: string): AppointmentFilter {
  return {
    ...(status.length > 0 ? { status } : {}),
    ...(doctor ? { doctorId: doctor } : {}),
    ...(from ? { from: startOfDay(from, zone).toISOString() } : {}),
    ...(until ? { to: startOfDay(addDays(until, 1), zone).toISOString() } : {}),
    ...(search.trim() ? { search: search.trim() } : {}),
  };
}
