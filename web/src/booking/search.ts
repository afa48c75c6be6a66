// What a patient looks for, as the address says it and as the server is asked for it.

import { useCallback, useMemo } from "react";
import { useSearchParams } from "wouter";
import type { OpeningSearch } from "../gql/graphql";
import { addDays, startOfDay, type Day } from "../shared/time";

export const PARTS = { morning: [null, "11:59"], afternoon: ["12:00", "17:59"], evening: ["18:00", null] } as const;
export type Part = keyof typeof PARTS;

export const CHOICES = ["department", "place", "doctor", "language", "visit", "part", "date", "instead"] as const;
export type Choice = (typeof CHOICES)[number];
export type Wishes = Record<Choice, string | null>;

export function useWishes(): [Wishes, (change: Partial<Wishes>) => void] {
  const [params, setParams] = useSearchParams();
  const wishes = useMemo(() => wishesIn(params), [params]);
  const wish = useCallback(
    (change: Partial<Wishes>) => {
      const next = Object.entries({ ...wishes, ...change }).filter(([, value]) => value);
      setParams(Object.fromEntries(next) as Record<string, string>, { replace: true });
    },
    [wishes, setParams],
  );
  return [wishes, wish];
}

export function wishesIn(params: URLSearchParams): Wishes {
  return Object.fromEntries(CHOICES.map((choice) => [choice, params.get(choice)])) as Wishes;
}

/** What to ask for: from a moment on, or the openings of one day. */
export function searchFor(wishes: Wishes, from: Date, day?: { day: Day; zone: string }): OpeningSearch {
  const [earliestTime, latestTime] = PARTS[wishes.part as Part] ?? [null, null];
  const search: OpeningSearch = {
    departmentId: wishes.department,
    officeId: wishes.place,
    doctorIds: wishes.doctor ? [wishes.doctor] : null,
    language: wishes.language,
    visitTypeId: wishes.visit,
    earliestTime,
    latestTime,
    from: from.toISOString(),
  };
  if (!day) return search;
  const begins = startOfDay(day.day, day.zone);
  return {
    ...search,
    from: (begins > from ? begins : from).toISOString(),
    to: startOfDay(addDays(day.day, 1), day.zone).toISOString(),
  };
}
