// What people choose for themselves in this browser: language and color scheme. Nothing else is ever
// kept in its storage. The color scheme is kept by Mantine, under the key that is named here.

import { useSyncExternalStore } from "react";

export const LANGUAGES = { en: "English", es: "Español" } as const;
export type Language = keyof typeof LANGUAGES;

export const COLOR_SCHEME_KEY = "color-scheme";
const LANGUAGE_KEY = "language";

const listeners = new Set<() => void>();
let language = firstLanguage();

export function currentLanguage(): Language {
  return language;
}

export function chooseLanguage(chosen: Language): void {
  localStorage.setItem(LANGUAGE_KEY, chosen);
  language = chosen;
  document.documentElement.lang = chosen;
  for (const listener of listeners) listener();
}

export function useLanguage(): Language {
  return useSyncExternalStore(subscribe, currentLanguage);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function firstLanguage(): Language {
  const wanted = [localStorage.getItem(LANGUAGE_KEY), ...navigator.languages];
  const found = wanted.map((one) => (one ?? "").slice(0, 2)).find(isKnown) ?? "en";
  document.documentElement.lang = found;
  return found;
}

function isKnown(word: string): word is Language {
  return word in LANGUAGES;
}
