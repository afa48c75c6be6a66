// Words: each feature has a catalogue of its own, in English and in the same shape in Spanish, so that a
// missing sentence is a type error. Sentences with numbers are functions.

import { useLanguage, currentLanguage, type Language } from "./preferences";

type Sentence = string | ((...values: never[]) => string);
type Same<Catalogue> = {
  [Key in keyof Catalogue]: Catalogue[Key] extends string ? string : Catalogue[Key];
};
export type Words<Catalogue> = Record<Language, Same<Catalogue>>;

export function catalogue<Catalogue extends Record<string, Sentence>>(
  en: Catalogue,
  es: Same<Catalogue>,
): Words<Catalogue> {
  return { en: en as Same<Catalogue>, es };
}

/** The words of a feature in the language of whoever looks. */
export function useWords<Catalogue>(words: Words<Catalogue>): Same<Catalogue> {
  return words[useLanguage()];
}

/** The same outside of components, where a sentence is said once. */
export function wordsNow<Catalogue>(words: Words<Catalogue>): Same<Catalogue> {
  return words[currentLanguage()];
}

const rules: Record<string, Intl.PluralRules> = {};

/** One of two forms by number: `counted(2, "change", "changes")` is "2 changes". */
export function counted(count: number, one: string, many: string): string {
  const language = currentLanguage();
  rules[language] ??= new Intl.PluralRules(language);
  return `${count} ${rules[language].select(count) === "one" ? one : many}`;
}
