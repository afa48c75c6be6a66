// The fields by which appointments are filtered.

import { MultiSelect, NativeSelect, Select, TextInput } from "@mantine/core";
import { useQuery } from "urql";
import { VisitDoctorsDocument, type AppointmentStatus } from "../gql/graphql";
import { kitWords } from "../shared/kit-words";
import { useKnown } from "../shared/viewer";
import { useWords } from "../shared/words";
import { STATUSES, type Wanted } from "./filter";
import styles from "./visits.module.css";
import { visitWords } from "./words";

export function Filters({ wanted, onWant }: { wanted: Wanted; onWant(change: Partial<Wanted>): void }) {
  const words = useWords(visitWords);
  const kit = useWords(kitWords);
  const { viewer } = useKnown();
  // Doctors see their own anyway.
  const isOwn = viewer?.role === "DOCTOR";
  const [{ data }] = useQuery({ query: VisitDoctorsDocument, pause: isOwn });
  const doctors = data?.doctors.edges.map(({ node }) => ({ value: node.id, label: node.name })) ?? [];
  return (
    <div className={styles.filters}>
      <TextInput
        type="search"
        label={kit.search}
        placeholder={words.searchHint}
        value={wanted.search}
        onChange={({ currentTarget }) => onWant({ search: currentTarget.value })}
      />
      {!isOwn && (
        <Select
          label={words.doctor}
          placeholder={words.anyDoctor}
          data={doctors}
          value={wanted.doctor || null}
          onChange={(doctor) => onWant({ doctor: doctor ?? "" })}
          searchable
          clearable
        />
      )}
      <MultiSelect
        size="md"
        label={words.status}
        placeholder={wanted.status.length === 0 ? words.anyStatus : ""}
        data={STATUSES.map((value) => ({ value, label: words[value] }))}
        value={wanted.status}
        onChange={(status) => onWant({ status: status as AppointmentStatus[] })}
      />
      <TextInput type="date" label={words.from} value={wanted.from} onChange={({ currentTarget }) => onWant({ from: currentTarget.value })} />
      <TextInput type="date" label={words.until} value={wanted.until} onChange={({ currentTarget }) => onWant({ until: currentTarget.value })} />
      <NativeSelect
        size="md"
        label={words.order}
        value={wanted.isNewestFirst ? "newest" : "oldest"}
        onChange={({ currentTarget }) => onWant({ isNewestFirst: currentTarget.value === "newest" })}
        data={[{ value: "oldest", label: words.oldestFirst }, { value: "newest", label: words.newestFirst }]}
      />
    </div>
  );
}
