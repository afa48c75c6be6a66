// What today's calendars come to, and the days of a period.

import type { AppointmentStatus, TodayChangesSubscription } from "../gql/graphql";
import { addDays, type Day } from "../shared/time";

export type TodaySlot = TodayChangesSubscription["update"]["slots"][number];

export interface Counts {
  free: number;
  booked: number;
  arrived: number;
  done: number;
  missed: number;
}

const NAMES: Partial<Record<AppointmentStatus, keyof Counts>> = {
  BOOKED: "booked",
  CHECKED_IN: "arrived",
  COMPLETED: "done",
  NO_SHOW: "missed",
};

/** A visit that takes several slots is one; a free slot that has begun is not free any more. */
export function countsOf(slots: readonly TodaySlot[], now: number): Counts {
  const counts: Counts = { free: 0, booked: 0, arrived: 0, done: 0, missed: 0 };
  const seen = new Set<string>();
  for (const { startsAt, status, appointments } of slots) {
    if (status === "AVAILABLE" && Date.parse(startsAt) > now) counts.free++;
    for (const visit of appointments) {
      const name = NAMES[visit.status];
      if (name && !seen.has(visit.id)) counts[name]++;
      seen.add(visit.id);
    }
  }
  return counts;
}

export const PERIODS = ["past28", "past90", "next28"] as const;
export type Period = (typeof PERIODS)[number];

/** The days of a period, both included; today belongs to those that come. */
export function daysOf(period: Period, today: Day): { from: Day; until: Day } {
  if (period === "next28") return { from: today, until: addDays(today, 27) };
  return { from: addDays(today, period === "past28" ? -28 : -90), until: addDays(today, -1) };
}
