// The clinic's own settings, and the terms on which patients book.

import { Alert, Button, Divider, Group, Stack, Title } from "@mantine/core";
import { useState, type FormEvent } from "react";
import { useQuery } from "urql";
import { SettingsDocument, UpdateOrganizationDocument, type SettingsQuery } from "../gql/graphql";
import { worded } from "../shared/acts";
import { kitWords } from "../shared/kit-words";
import { useWords } from "../shared/words";
import { fieldOf, Fields } from "./fields";
import { useDoing } from "./form-dialog";
import { doing, number, parts, text, type Field, type Values } from "./kind";
import { administrationWords } from "./words";

const CLINIC: Field[] = [
  { name: "name", label: "nameField", type: "text", isRequired: true },
  { name: "timeZone", label: "timeZone", type: "zone", isRequired: true },
  { name: "locale", label: "locale", type: "text", hint: "localeHint", isRequired: true },
];
const POLICY: Field[] = [
  { name: "horizonMonths", label: "horizonMonths", type: "number", range: [1, 24], isRequired: true },
  { name: "minimumNoticeMinutes", label: "minimumNoticeMinutes", type: "number", range: [0, 86400], isRequired: true },
  { name: "cancellationNoticeMinutes", label: "cancellationNoticeMinutes", type: "number", range: [0, 86400], isRequired: true },
  { name: "maxOpenAppointmentsPerPatient", label: "maxOpenAppointmentsPerPatient", type: "number", range: [1, 1000], hint: "noLimitHint" },
  { name: "holdMinutes", label: "holdMinutes", type: "number", range: [1, 120], isRequired: true },
  { name: "offerMinutes", label: "offerMinutes", type: "number", range: [5, 1440], isRequired: true },
  { name: "reminderHoursBefore", label: "reminderHoursBefore", type: "text", hint: "reminderHint" },
];

const update = doing(UpdateOrganizationDocument, (values) => ({
  name: text(values, "name"),
  timeZone: text(values, "timeZone"),
  locale: text(values, "locale"),
  bookingPolicy: {
    horizonMonths: number(values, "horizonMonths"),
    minimumNoticeMinutes: number(values, "minimumNoticeMinutes"),
    cancellationNoticeMinutes: number(values, "cancellationNoticeMinutes"),
    maxOpenAppointmentsPerPatient: text(values, "maxOpenAppointmentsPerPatient")
      ? number(values, "maxOpenAppointmentsPerPatient")
      : null,
    holdMinutes: number(values, "holdMinutes"),
    offerMinutes: number(values, "offerMinutes"),
    reminderHoursBefore: parts(values, "reminderHoursBefore").map(Number),
  },
}));

export function Settings() {
  const [{ data }] = useQuery({ query: SettingsDocument, requestPolicy: "network-only" });
  if (!data) return <div className="panel" style={{ minHeight: "40rem" }} aria-busy />;
  return <Form organization={data.organization} />;
}

function Form({ organization }: { organization: SettingsQuery["organization"] }) {
  const words = useWords(administrationWords);
  const kit = useWords(kitWords);
  const [values, setValues] = useState<Values>(() => valuesOf(organization));
  const { run, refusal, isRunning } = useDoing(() => undefined);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void run(update, values, organization.id, words.saved);
  };
  const isElsewhere = refusal && !fieldOf(refusal, [...CLINIC, ...POLICY]);
  const shared = { values, refusal, onChange: setValues };
  return (
    <form className="panel" onSubmit={submit} style={{ maxWidth: "36rem" }}>
      <Stack gap="md">
        <Title order={2} size="h4">{words.clinic}</Title>
        <Fields fields={CLINIC} {...shared} />
        <Divider />
        <Title order={2} size="h4">{words.policy}</Title>
        <Fields fields={POLICY} {...shared} />
        {isElsewhere && <Alert color="red" role="alert">{worded(refusal)}</Alert>}
        <Group><Button type="submit" size="md" loading={isRunning}>{kit.save}</Button></Group>
      </Stack>
    </form>
  );
}

function valuesOf({ name, timeZone, locale, bookingPolicy }: SettingsQuery["organization"]): Values {
  const { reminderHoursBefore, maxOpenAppointmentsPerPatient, ...numbers } = bookingPolicy;
  const written = Object.entries(numbers).filter(([key]) => key !== "__typename").map(([key, value]) => [key, String(value)]);
  return {
    name,
    timeZone,
    locale,
    ...Object.fromEntries(written),
    maxOpenAppointmentsPerPatient: maxOpenAppointmentsPerPatient === null ? "" : String(maxOpenAppointmentsPerPatient),
    reminderHoursBefore: reminderHoursBefore.join(", "),
  };
}
