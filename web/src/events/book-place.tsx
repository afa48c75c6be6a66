// Booking a place at an event, as a guest or as a patient who is signed in.

import { Alert, Button, Stack, TextInput } from "@mantine/core";
import { useState, type FormEvent } from "react";
import { useLocation } from "wouter";
import { BookPlaceDocument } from "../gql/graphql";
import { useAct, useForm } from "../shared/acts";
import { useKnown } from "../shared/viewer";
import { useWords } from "../shared/words";
import type { EventParts } from "./page";
import { Places } from "./places";
import { eventWords } from "./words";

const FIELDS = ["name", "email", "phone"];

export function BookPlace({ event, onBooked }: { event: EventParts; onBooked(token: string): void }) {
  const words = useWords(eventWords);
  const { viewer } = useKnown();
  const [, go] = useLocation();
  const [slotId, setSlotId] = useState<string | null>(null);
  const isPatient = viewer?.role === "PATIENT";
  const form = useForm(useAct(BookPlaceDocument), ({ manageToken, appointment }) => {
    if (isPatient) go(`/appointments/${appointment!.id}?booked`);
    else if (manageToken) onBooked(manageToken);
  });
  const submit = (submitted: FormEvent<HTMLFormElement>) => {
    submitted.preventDefault();
    const { name = "", email = "", phone = "" } = Object.fromEntries(new FormData(submitted.currentTarget)) as Record<string, string>;
    if (slotId) void form.submit({ slotId, guest: isPatient ? null : { name, email, phone: phone || null } });
  };
  const problem = form.problem(FIELDS);
  return (
    <form onSubmit={submit} className="panel">
      <Stack gap="md">
        <Places event={event} label={words.choose} value={slotId} onChange={setSlotId} />
        {!isPatient && (
          <>
            <TextInput name="name" label={words.name} autoComplete="name" required error={form.errorOf("name")} />
            <TextInput name="email" label={words.email} description={words.emailHint} type="email" autoComplete="email" required error={form.errorOf("email")} />
            <TextInput name="phone" label={words.phone} type="tel" autoComplete="tel" error={form.errorOf("phone")} />
          </>
        )}
        {problem && <Alert color="red" role="alert">{problem}</Alert>}
        <Button type="submit" size="md" loading={form.isRunning}>{words.book}</Button>
      </Stack>
    </form>
  );
}
