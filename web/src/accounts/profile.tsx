// What one may change about oneself.

import { NativeSelect, PasswordInput, SimpleGrid, Stack, TextInput, Title } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useState, type ReactNode } from "react";
import { ChangePasswordDocument, RequestEmailChangeDocument, UpdateProfileDocument } from "../gql/graphql";
import { useAct, useForm } from "../shared/acts";
import { LANGUAGES } from "../shared/preferences";
import { session as currentSession } from "../shared/session";
import { useKnown } from "../shared/viewer";
import { useWords } from "../shared/words";
import { Form, type Values } from "./form";
import { accountWords } from "./words";

const ZONES = Intl.supportedValuesOf("timeZone");

export default function Profile() {
  const words = useWords(accountWords);
  return (
    <div className="shell-wide">
      <Stack gap="lg">
        <Title order={1} size="h2">{words.profile}</Title>
        <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="lg">
          <Details />
          <Stack gap="lg">
            <Password />
            <Address />
          </Stack>
        </SimpleGrid>
      </Stack>
    </div>
  );
}

function Panel({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="panel">
      <Title order={2} size="h4" mb="md">{title}</Title>
      {children}
    </section>
  );
}

function Details() {
  const words = useWords(accountWords);
  const viewer = useKnown().viewer!;
  const form = useForm(useAct(UpdateProfileDocument), () => notifications.show({ message: words.saved }));
  const submit = ({ name = "", phone, locale = "", timeZone = "" }: Values) =>
    void form.submit({ name, phone: phone || null, locale, timeZone });
  const languages = Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }));
  const isKnown = viewer.locale in LANGUAGES;
  return (
    <Panel title={words.yourDetails}>
      <Form problem={form.problem(["name", "phone"])} isRunning={form.isRunning} button={words.save} onSubmit={submit}>
        <TextInput name="name" label={words.name} defaultValue={viewer.name} required error={form.errorOf("name")} />
        <TextInput name="phone" label={words.phone} type="tel" defaultValue={viewer.phone ?? ""} error={form.errorOf("phone")} />
        <NativeSelect
          size="md"
          name="locale"
          label={words.preferences}
          defaultValue={viewer.locale}
          data={isKnown ? languages : [{ value: viewer.locale, label: viewer.locale }, ...languages]}
        />
        <NativeSelect size="md" name="timeZone" label={words.timeZone} defaultValue={viewer.timeZone} data={ZONES} />
      </Form>
    </Panel>
  );
}

function Password() {
  const words = useWords(accountWords);
  const [times, setTimes] = useState(0);
  const form = useForm(useAct(ChangePasswordDocument), ({ session }) => {
    // A new password ends every sign-in, and this answer begins the next.
    if (session) currentSession.enter(session);
    notifications.show({ message: words.passwordChanged });
    setTimes((before) => before + 1);
  });
  const submit = ({ currentPassword = "", password = "" }: Values) =>
    void form.submit({ currentPassword, password });
  return (
    <Panel title={words.changePassword}>
      <Form
        key={times}
        problem={form.problem(["currentPassword", "password"])}
        isRunning={form.isRunning}
        button={words.save}
        onSubmit={submit}
      >
        <PasswordInput
          name="currentPassword"
          label={words.currentPassword}
          autoComplete="current-password"
          required
          error={form.errorOf("currentPassword")}
        />
        <PasswordInput
          name="password"
          label={words.newPassword}
          description={words.passwordHint}
          autoComplete="new-password"
          minLength={15}
          required
          error={form.errorOf("password")}
        />
      </Form>
    </Panel>
  );
}

function Address() {
  const words = useWords(accountWords);
  const form = useForm(useAct(RequestEmailChangeDocument), () =>
    notifications.show({ message: words.checkMailChange }),
  );
  const submit = ({ email = "", password = "" }: Values) => void form.submit({ email, password });
  return (
    <Panel title={words.changeEmail}>
      <Form
        problem={form.problem(["email", "password"])}
        isRunning={form.isRunning}
        button={words.sendLink}
        onSubmit={submit}
      >
        <TextInput name="email" label={words.newEmail} type="email" required error={form.errorOf("email")} />
        <PasswordInput
          name="password"
          label={words.currentPassword}
          autoComplete="current-password"
          required
          error={form.errorOf("password")}
        />
      </Form>
    </Panel>
  );
}
