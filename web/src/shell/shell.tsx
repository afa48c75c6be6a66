// The frame around all pages: who looks and at which clinic, the links, the state of the connection.

import { Button, Stack, Text, Title } from "@mantine/core";
import { Component, Suspense, useEffect, type ReactNode } from "react";
import { useQuery } from "urql";
import { Link, useLocation } from "wouter";
import favicon from "../favicon.svg";
import { ViewerDocument } from "../gql/graphql";
import { Icon, type IconName } from "../shared/icons";
import { homeOf, isFrontDesk, isStaff, KnownContext, useKnown, type Viewer } from "../shared/viewer";
import { useWords, wordsNow } from "../shared/words";
import { AccountMenu } from "./account-menu";
import { LiveBanner, LiveChip } from "./live-status";
import { shellWords } from "./words";

export function Shell({ children }: { children: ReactNode }) {
  const [{ data, error }, ask] = useQuery({ query: ViewerDocument });
  const failed = error && !data;
  useEffect(() => {
    if (!failed) return undefined;
    const timer = setTimeout(() => ask({ requestPolicy: "network-only" }), 3_000);
    return () => clearTimeout(timer);
  }, [failed, error, ask]);
  if (failed) return <Unreachable onAgain={() => ask({ requestPolicy: "network-only" })} />;
  if (!data) return null;
  const known = { viewer: data.viewer, clinic: data.organization };
  return (
    <KnownContext value={known}>
      <Frame>{children}</Frame>
    </KnownContext>
  );
}

function Frame({ children }: { children: ReactNode }) {
  const words = useWords(shellWords);
  const { clinic, viewer } = useKnown();
  return (
    <div className="shell">
      <a className="skip" href="#content">
        {words.skip}
      </a>
      <header className="shell-top">
        <Link className="shell-brand" href={homeOf(viewer)}>
          <img src={favicon} alt="" />
          <span>{clinic.name}</span>
        </Link>
        <Links />
        <LiveChip />
        <AccountMenu />
      </header>
      <LiveBanner />
      <main className="shell-main" id="content" tabIndex={-1}>
        <Net>
          <Suspense fallback={null}>{children}</Suspense>
        </Net>
      </main>
    </div>
  );
}

type LinkName = "calendar" | "dashboard" | "visits" | "availability" | "administration" | "book" | "appointments" | "waitlist";
const LINKS: { name: LinkName; href: string; icon: IconName; isFor(viewer: Viewer | null): boolean }[] = [
  { name: "calendar", href: "/calendar", icon: "calendar", isFor: isStaff },
  { name: "dashboard", href: "/dashboard", icon: "chart", isFor: isStaff },
  { name: "visits", href: "/visits", icon: "list", isFor: isStaff },
  { name: "availability", href: "/availability", icon: "clock", isFor: isStaff },
  { name: "administration", href: "/administration", icon: "gear", isFor: isFrontDesk },
  { name: "book", href: "/book", icon: "search", isFor: (viewer) => !isStaff(viewer) },
  { name: "appointments", href: "/appointments", icon: "list", isFor: (viewer) => viewer?.role === "PATIENT" },
  { name: "waitlist", href: "/waitlist", icon: "clock", isFor: (viewer) => viewer?.role === "PATIENT" },
];

function Links() {
  const words = useWords(shellWords);
  const { viewer } = useKnown();
  const [location] = useLocation();
  return (
    <nav className="shell-links" aria-label={words.pages}>
      {LINKS.filter(({ isFor }) => isFor(viewer)).map(({ name, href, icon }) => (
        <Link
          key={name}
          className="shell-link"
          href={href}
          aria-current={location.startsWith(href) ? "page" : undefined}
        >
          <Icon name={icon} size={19} />
          {words[name]}
        </Link>
      ))}
    </nav>
  );
}

export function Unreachable({ onAgain }: { onAgain(): void }) {
  const words = useWords(shellWords);
  return (
    <Message title={words.failed} hint={words.failedHint}>
      <Button onClick={onAgain}>{words.again}</Button>
    </Message>
  );
}

/** A page that has nothing to show but a sentence and what to do next. */
export function Message({ title, hint, children }: { title: string; hint: string; children?: ReactNode }) {
  return (
    <div className="shell-narrow">
      <Stack gap="sm" align="flex-start">
        <Title order={1} size="h2">{title}</Title>
        <Text c="dimmed">{hint}</Text>
        {children}
      </Stack>
    </div>
  );
}

export function NotFound() {
  const words = useWords(shellWords);
  return (
    <Message title={words.notFound} hint={words.notFoundHint}>
      <Button component={Link} href="/">{words.home}</Button>
    </Message>
  );
}

/** Catches what a page throws, such as a part of it that could not be loaded. */
class Net extends Component<{ children: ReactNode }, { isBroken: boolean }> {
  override state = { isBroken: false };

  static getDerivedStateFromError() {
    return { isBroken: true };
  }

  override render() {
    if (!this.state.isBroken) return this.props.children;
    const words = wordsNow(shellWords);
    return (
      <Message title={words.broken} hint={words.brokenHint}>
        <Button onClick={() => location.reload()}>{words.reload}</Button>
      </Message>
    );
  }
}
