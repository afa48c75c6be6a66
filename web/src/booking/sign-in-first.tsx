// For whoever has chosen a time and is not signed in: the way in, and back to this time.

import { Button, Group, Stack, Text } from "@mantine/core";
import { Link, useLocation } from "wouter";
import { useWords } from "../shared/words";
import { bookingWords } from "./words";

export function SignInFirst() {
  const words = useWords(bookingWords);
  const [path] = useLocation();
  const next = encodeURIComponent(path + location.search);
  return (
    <Stack gap="sm">
      <Text fw={600}>{words.mustSignIn}</Text>
      <Text size="sm" c="dimmed">{words.mustSignInHint}</Text>
      <Group>
        <Button component={Link} href={`/sign-in?next=${next}`}>{words.signIn}</Button>
        <Button component={Link} href={`/sign-up?next=${next}`} variant="default">{words.signUp}</Button>
      </Group>
    </Stack>
  );
}
