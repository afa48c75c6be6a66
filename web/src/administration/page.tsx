// Administration: one page for each kind of thing, and one for the clinic's settings.

import { Stack, Title } from "@mantine/core";
import { useEffect, useRef } from "react";
import { Link, Redirect, useParams } from "wouter";
import type { Role } from "../gql/graphql";
import { useKnown } from "../shared/viewer";
import { useWords } from "../shared/words";
import styles from "./administration.module.css";
import { KINDS } from "./kinds";
import { List } from "./list";
import { Settings } from "./settings";
import { administrationWords, type Word } from "./words";

interface Part {
  path: string;
  name: Word;
}

export default function AdministrationPage() {
  const words = useWords(administrationWords);
  const { part = "" } = useParams();
  const parts = partsFor(useKnown().viewer!.role);
  const chosen = parts.find(({ path }) => path === part);
  if (!chosen) return <Redirect to={`/administration/${parts[0]!.path}`} replace />;
  return (
    <div className="shell-wide">
      <Stack gap="lg">
        <Title order={1} size="h2">{words[chosen.name]}</Title>
        {parts.length > 1 && <Parts parts={parts} chosen={chosen} />}
        {KINDS[part] ? <List key={part} kind={KINDS[part]} /> : <Settings />}
      </Stack>
    </div>
  );
}

function Parts({ parts, chosen }: { parts: Part[]; chosen: Part }) {
  const words = useWords(administrationWords);
  const row = useRef<HTMLElement>(null);
  // On a narrow screen the chosen part may be beyond the edge.
  useEffect(() => {
    row.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [chosen]);
  return (
    <nav ref={row} className={styles.parts} aria-label={words.parts}>
      {parts.map(({ path, name }) => (
        <Link key={path} href={`/administration/${path}`} aria-current={path === chosen.path ? "page" : undefined}>
          {words[name]}
        </Link>
      ))}
    </nav>
  );
}

function partsFor(role: Role): Part[] {
  const kinds = Object.entries(KINDS).filter(([, { roles }]) => roles.includes(role));
  const parts = kinds.map(([path, { name }]) => ({ path, name }));
  return role === "ADMIN" ? [...parts, { path: "settings", name: "settings" }] : parts;
}
