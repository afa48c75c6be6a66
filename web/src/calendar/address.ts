// What the address of the calendar says, so that it can be kept, shared and gone back to: the view, the
// day, the doctors.

import { useCallback, useMemo } from "react";
import { useSearchParams } from "wouter";
import { addDays, addMonths, daysFrom, daysOfMonthSheet, firstOfMonth, mondayOf, type Day } from "../shared/time";

export type View = "day" | "week" | "month";

export interface Place {
  view: View;
  day: Day;
  doctorIds: string[];
}

export const MOST_DOCTORS = 8;
const VIEWS: readonly string[] = ["day", "week", "month"];
const DAY = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;

export function useAddress(fallback: Place): [Place, (change: Partial<Place>) => void] {
  const [params, setParams] = useSearchParams();
  const place = useMemo(() => placeIn(params, fallback), [params, fallback]);
  const go = useCallback(
    (change: Partial<Place>) => {
      const { view, day, doctorIds } = { ...place, ...change };
      setParams({ view, date: day, doctors: doctorIds.join(",") });
    },
    [place, setParams],
  );
  return [place, go];
}

export function placeIn(params: URLSearchParams, fallback: Place): Place {
  const view = params.get("view") ?? "";
  const day = params.get("date") ?? "";
  const doctorIds = (params.get("doctors") ?? "").split(",").filter(Boolean).slice(0, MOST_DOCTORS);
  return {
    view: VIEWS.includes(view) ? (view as View) : fallback.view,
    day: DAY.test(day) ? day : fallback.day,
    doctorIds: doctorIds.length > 0 ? doctorIds : fallback.doctorIds,
  };
}

/** The days that a view shows. */
export function daysShown({ view, day }: Place): Day[] {
  if (view === "day") return [day];
  return view === "week" ? daysFrom(mondayOf(day), 7) : daysOfMonthSheet(day);
}

/** The day to show after a step to the next page, or the one before. */
export function stepped({ view, day }: Place, by: 1 | -1): Day {
  if (view === "month") return addMonths(firstOfMonth(day), by);
  return addDays(day, view === "week" ? 7 * by : by);
}
