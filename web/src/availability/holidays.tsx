// Closing the whole clinic on the public holidays of a country.

import { Alert, Button, Group, NativeSelect, Select, Stack, Text, TextInput, Title } from "@mantine/core";
import { useMemo, useState, type FormEvent } from "react";
import { ImportHolidaysDocument, type ImportHolidaysMutation } from "../gql/graphql";
import { useAct, useForm } from "../shared/acts";
import { useLanguage, type Language } from "../shared/preferences";
import { today as dayNow } from "../shared/time";
import { useWords } from "../shared/words";
import styles from "./availability.module.css";
import type { Owner } from "./owners";
import { Uncovered } from "./uncovered";
import { availabilityWords } from "./words";

const FIELDS = ["country", "subdivision", "year"];

export function Holidays({ owner, onImported }: { owner: Owner; onImported(): void }) {
  const words = useWords(availabilityWords);
  const language = useLanguage();
  const countries = useMemo(() => countriesIn(language), [language]);
  const thisYear = Number(dayNow(owner.zone).slice(0, 4));
  const [country, setCountry] = useState<string | null>(null);
  const [subdivision, setSubdivision] = useState("");
  const [year, setYear] = useState(thisYear);
  const [imported, setImported] = useState<ImportHolidaysMutation["payload"] | null>(null);
  const form = useForm(useAct(ImportHolidaysDocument), (payload) => {
    setImported(payload);
    onImported();
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setImported(null);
    void form.submit({ country: country ?? "", subdivision: subdivision.trim().toUpperCase() || null, year });
  };
  const problem = form.problem(FIELDS);
  return (
    <form className="panel" onSubmit={submit}>
      <Stack gap="sm">
        <div>
          <Title order={2} size="h4">{words.holidays}</Title>
          <Text c="dimmed" size="sm">{words.holidaysHint}</Text>
        </div>
        {problem && <Alert color="red" role="alert">{problem}</Alert>}
        <div className={styles.dated}>
          <Select
            label={words.country}
            data={countries}
            value={country}
            onChange={setCountry}
            searchable
            required
            withAsterisk={false}
            error={form.errorOf("country")}
          />
          <NativeSelect
            size="md"
            label={words.year}
            value={year}
            onChange={({ currentTarget }) => setYear(Number(currentTarget.value))}
            data={[0, 1, 2].map((later) => String(thisYear + later))}
            error={form.errorOf("year")}
          />
          <TextInput
            label={words.subdivision}
            description={words.subdivisionHint}
            inputWrapperOrder={["label", "input", "description", "error"]}
            value={subdivision}
            onChange={({ currentTarget }) => setSubdivision(currentTarget.value)}
            error={form.errorOf("subdivision")}
          />
        </div>
        <Group><Button type="submit" variant="light" size="md" loading={form.isRunning}>{words.import}</Button></Group>
        <div aria-live="polite">
          {imported && <Text fw={600}>{words.imported(imported.exceptions?.length ?? 0)}</Text>}
        </div>
        <Uncovered
          visits={imported?.uncovered ?? []}
          zone={owner.zone}
          title={words.uncovered(imported?.uncovered?.length ?? 0)}
        />
      </Stack>
    </form>
  );
}

/** The countries that the browser knows a name for, in the order of their names. */
export function countriesIn(language: Language): { value: string; label: string }[] {
  const names = new Intl.DisplayNames(language, { type: "region", fallback: "none" });
  const letters = Array.from({ length: 26 }, (_, index) => String.fromCharCode(65 + index));
  const codes = letters.flatMap((first) => letters.map((second) => first + second));
  // Codes for users and for nobody have names as well.
  const found = codes.filter((code) => names.of(code) && !/^(EU|EZ|UN|X[A-JL-Z]|ZZ|QO)$/.test(code));
  const seen = new Set<string>();
  return found
    .map((value) => ({ value, label: names.of(value)! }))
    .filter(({ label }) => !seen.has(label) && seen.add(label))
    .sort((one, other) => one.label.localeCompare(other.label, language));
}
