// What the pages about accounts are built of: a sheet with a form, and a sentence with what to do next.

import { Alert, Button, Stack, Text, Title } from "@mantine/core";
import type { FormEvent, ReactNode } from "react";
import { Link } from "wouter";

export type Values = Record<string, string>;

interface SheetProps {
  title: string;
  hint?: string;
  problem: string | null;
  isRunning: boolean;
  button: string;
  onSubmit(values: Values): void;
  children: ReactNode;
  footer?: ReactNode;
}

export function FormSheet({ title, hint, footer, ...form }: SheetProps) {
  return (
    <div className="shell-narrow">
      <Stack gap="lg">
        <div>
          <Title order={1} size="h2">{title}</Title>
          {hint && <Text c="dimmed" mt={4}>{hint}</Text>}
        </div>
        <div className="panel">
          <Form {...form} />
        </div>
        {footer}
      </Stack>
    </div>
  );
}

export function Form({ problem, isRunning, button, onSubmit, children }: Omit<SheetProps, "title" | "hint" | "footer">) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    onSubmit(Object.fromEntries(new FormData(event.currentTarget)) as Values);
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        {problem && <Alert color="red" role="alert">{problem}</Alert>}
        {children}
        <Button type="submit" size="md" loading={isRunning}>{button}</Button>
      </Stack>
    </form>
  );
}

export function Done({ title, hint, to, button }: { title: string; hint: string; to?: string; button?: string }) {
  return (
    <div className="shell-narrow">
      <Stack gap="sm" align="flex-start" role="status">
        <Title order={1} size="h2">{title}</Title>
        <Text c="dimmed">{hint}</Text>
        {to && <Button component={Link} href={to}>{button}</Button>}
      </Stack>
    </div>
  );
}

/** The secret of a mailed link: it stands behind the #, so that no server sees it in an address. */
export function mailedSecret(): string {
  return location.hash.slice(1);
}
