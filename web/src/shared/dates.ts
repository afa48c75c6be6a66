// How times and days are written for people, in their language and always in a zone that is named.

import { useMemo } from "react";
import type { Day } from "./time";
import { useLanguage, type Language } from "./preferences";

type Options = Intl.DateTimeFormatOptions;

// English dates are written day first, and clocks have 24 hours, as in the clinics of both languages.
const LOCALES: Record<Language, string> = { en: "en-GB", es: "es-ES" };
const MOMENT: Options = {
  weekday: "long",
  day: "numeric",
  month: "long",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
};
const formats = new Map<string, Intl.DateTimeFormat>();

function format(locale: string, options: Options): Intl.DateTimeFormat {
  const key = locale + JSON.stringify(options);
  let found = formats.get(key);
  if (!found) formats.set(key, (found = new Intl.DateTimeFormat(locale, options)));
  return found;
}

export function datesIn(language: Language) {
  const locale = LOCALES[language];
  const write = (instant: string | Date, zone: string, options: Options) =>
    format(locale, { timeZone: zone, ...options }).format(new Date(instant));
  // A day is the same everywhere: it is written as the noon of it in UTC.
  const day = (of: Day, options: Options) => write(`${of}T12:00:00Z`, "UTC", options);
  return {
    time: (instant: string, zone: string) =>
      write(instant, zone, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
    weekday: (of: Day) => day(of, { weekday: "short" }),
    dayOfMonth: (of: Day) => day(of, { day: "numeric" }),
    dayAndMonth: (of: Day) => day(of, { weekday: "short", day: "numeric", month: "short" }),
    wholeDay: (of: Day) =>
      capital(day(of, { weekday: "long", day: "numeric", month: "long", year: "numeric" })),
    month: (of: Day) => capital(day(of, { month: "long", year: "numeric" })),
    range: (from: Day, to: Day, month: "long" | "short" = "long") =>
      format(locale, { timeZone: "UTC", day: "numeric", month, year: "numeric" })
        .formatRange(new Date(`${from}T12:00:00Z`), new Date(`${to}T12:00:00Z`)),
    moment: (instant: string, zone: string) => capital(write(instant, zone, MOMENT)),
    /** The same in the middle of a sentence. */
    within: (instant: string, zone: string) => write(instant, zone, MOMENT),
    /** The name of a zone for people, such as "Madrid (GMT+1)". */
    zone: (zone: string, at: string | Date = new Date()) => {
      const parts = format(locale, { timeZone: zone, timeZoneName: "shortOffset" });
      const offset = parts
        .formatToParts(new Date(at))
        .find(({ type }) => type === "timeZoneName")?.value;
      return `${placeOf(zone)} (${offset})`;
    },
  };
}

export type Dates = ReturnType<typeof datesIn>;

export function useDates(): Dates {
  const language = useLanguage();
  return useMemo(() => datesIn(language), [language]);
}

export function placeOf(zone: string): string {
  return zone.split("/").at(-1)!.replaceAll("_", " ");
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
