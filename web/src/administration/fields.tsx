// The fields of a form, as a kind of thing describes them, each with what was refused about it.

import { Checkbox, MultiSelect, NativeSelect, Select, Stack, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "urql";
import { ChoicesDocument, type ChoicesQuery } from "../gql/graphql";
import { worded, type Refusal } from "../shared/acts";
import { useWords } from "../shared/words";
import type { Field, Value, Values } from "./kind";
import { administrationWords } from "./words";

const ZONES = Intl.supportedValuesOf("timeZone");

interface Props {
  fields: readonly Field[];
  values: Values;
  refusal: Refusal | null;
  onChange(values: Values): void;
}

export function Fields({ fields, values, refusal, onChange }: Props) {
  const asksForThings = fields.some(({ choices }) => typeof choices === "string");
  const [{ data }] = useQuery({ query: ChoicesDocument, pause: !asksForThings });
  const faulty = refusal && fieldOf(refusal, fields);
  return (
    <Stack gap="md">
      {fields.map((field) => (
        <OneField
          key={field.name}
          field={field}
          value={values[field.name] ?? ""}
          things={data}
          error={faulty === field.name ? worded(refusal!) : undefined}
          onChange={(value) => onChange({ ...values, [field.name]: value })}
        />
      ))}
    </Stack>
  );
}

/** The field that a refusal is about; its path may go on to a place in a list. */
export function fieldOf(refusal: Refusal, fields: readonly Field[]): string | null {
  return refusal.path.findLast((part) => fields.some(({ name }) => name === part)) ?? null;
}

interface OneProps {
  field: Field;
  value: Value;
  things: ChoicesQuery | undefined;
  error: string | undefined;
  onChange(value: Value): void;
}

function OneField({ field: { name, label, hint, type, isRequired, range, choices }, value, things, error, onChange }: OneProps) {
  const words = useWords(administrationWords);
  const shared = { name, label: words[label], description: hint && words[hint], error, required: isRequired ?? false };
  const typed = {
    ...shared,
    value: value as string,
    onChange: ({ currentTarget }: { currentTarget: { value: string } }) => onChange(currentTarget.value),
  };
  if (type === "yes") {
    const { required: _, ...rest } = shared;
    return <Checkbox size="md" {...rest} checked={value === true} onChange={({ currentTarget }) => onChange(currentTarget.checked)} />;
  }
  if (type === "long") return <Textarea {...typed} autosize minRows={2} />;
  if (type === "zone") {
    return <Select {...shared} data={ZONES} value={(value as string) || null} onChange={(zone) => onChange(zone ?? "")} searchable />;
  }
  if (type === "many") {
    const data = thingsIn(things, choices as keyof ChoicesQuery);
    return <MultiSelect size="md" {...shared} data={data} value={(value || []) as string[]} onChange={onChange} searchable hidePickedOptions />;
  }
  if (type === "one") {
    const data = Array.isArray(choices)
      ? choices.map((word) => ({ value: word as string, label: words[word] }))
      : thingsIn(things, choices as keyof ChoicesQuery);
    return <NativeSelect size="md" {...typed} data={[{ value: "", label: "–" }, ...data]} />;
  }
  return <TextInput {...typed} type={type} min={range?.[0]} max={range?.[1]} />;
}

function thingsIn(things: ChoicesQuery | undefined, name: keyof ChoicesQuery) {
  const found = things?.[name] ?? [];
  const nodes = Array.isArray(found) ? found : found.edges.map(({ node }) => node);
  return nodes.map((node) => ({ value: node.id, label: node.name }));
}
