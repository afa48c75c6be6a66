// Signing in.

import { Anchor, Button, Group, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { Link, Redirect } from "wouter";
import { SignInDocument } from "../gql/graphql";
import { useAct, useForm } from "../shared/acts";
import { useSession } from "../shared/session";
import { useKnown } from "../shared/viewer";
import { useWords } from "../shared/words";
import { nextPage, useEnter } from "./entering";
import { FormSheet } from "./form";
import { accountWords } from "./words";

export default function SignIn() {
  const words = useWords(accountWords);
  const enter = useEnter();
  const { viewer } = useKnown();
  const form = useForm(useAct(SignInDocument), ({ session }) => enter(session));
  if (viewer) return <Redirect to={nextPage(location.search)} replace />;
  return (
    <FormSheet
      title={words.signIn}
      button={words.signIn}
      problem={form.problem([])}
      isRunning={form.isRunning}
      onSubmit={({ login = "", password = "" }) => void form.submit({ login, password })}
      footer={<Footer onDemo={(account) => void form.submit(account)} />}
    >
      <TextInput name="login" label={words.login} autoComplete="username" required autoFocus />
      <Stack gap={6}>
        <PasswordInput name="password" label={words.password} autoComplete="current-password" required />
        <Anchor component={Link} href="/forgot-password" size="sm">{words.forgot}</Anchor>
      </Stack>
    </FormSheet>
  );
}

function Footer({ onDemo }: { onDemo(account: { login: string; password: string }): void }) {
  const words = useWords(accountWords);
  const { demoAccounts } = useSession();
  return (
    <Stack gap="lg">
      <Text>
        {words.noAccount} <Anchor component={Link} href={`/sign-up${location.search}`}>{words.makeAccount}</Anchor>
      </Text>
      {demoAccounts.length > 0 && (
        <Stack gap="xs">
          <Text size="sm" c="dimmed">{words.demo}</Text>
          <Group gap="xs">
            {demoAccounts.map(({ label, login, password }) => (
              <Button key={login} variant="default" onClick={() => onDemo({ login, password })}>
                {(words as Record<string, string>)[label] ?? label}
              </Button>
            ))}
          </Group>
        </Stack>
      )}
    </Stack>
  );
}
