// Finding a patient by some letters of a name, a number or an address.

import { Select } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useState } from "react";
import { useQuery } from "urql";
import { PatientSearchDocument, type PatientSearchQuery } from "../gql/graphql";
import { useWords } from "../shared/words";
import { calendarWords } from "./words";

export interface Chosen {
  id: string;
  name: string;
}

type Found = PatientSearchQuery["patients"]["edges"][number]["node"];

export function PatientPicker({ chosen, onChoose }: { chosen: Chosen | null; onChoose(patient: Chosen | null): void }) {
  const words = useWords(calendarWords);
  const [typed, setTyped] = useState(chosen?.name ?? "");
  const [search] = useDebouncedValue(typed.trim(), 200);
  const isPicked = search === chosen?.name;
  const [{ data, fetching }] = useQuery({
    query: PatientSearchDocument,
    variables: { search },
    pause: search.length < 2 || isPicked,
  });
  const found = data?.patients.edges.map(({ node }) => node) ?? [];
  const known = chosen && !found.some(({ id }) => id === chosen.id) ? [{ value: chosen.id, label: chosen.name }] : [];
  return (
    <Select
      label={words.patient}
      placeholder={words.findPatient}
      data={[...known, ...found.map((patient) => ({ value: patient.id, label: patient.name }))]}
      value={chosen?.id ?? null}
      onChange={(id, option) => onChoose(id && option ? { id, name: option.label } : null)}
      searchValue={typed}
      onSearchChange={setTyped}
      // The server has searched: all that came is shown.
      filter={({ options }) => options}
      renderOption={({ option }) => <Found patient={found.find(({ id }) => id === option.value)} name={option.label} />}
      nothingFoundMessage={search.length >= 2 && !fetching ? words.noPatient : undefined}
      searchable
      clearable
      required
      data-autofocus
    />
  );
}

/** A name alone may be that of several. */
function Found({ patient, name }: { patient: Found | undefined; name: string }) {
  const more = [patient?.birthDate, patient?.phone ?? patient?.email].filter(Boolean).join(" · ");
  return (
    <div>
      {name}
      {more && <div style={{ fontSize: "0.8rem", color: "var(--mantine-color-dimmed)" }}>{more}</div>}
    </div>
  );
}
