// A table of things: the first cell names each, the others say more, the last one holds what can be done.

import { Alert, Anchor, Button } from "@mantine/core";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { kitWords } from "./kit-words";
import styles from "./table.module.css";
import { useWords } from "./words";

export interface Thing {
  id: string;
  title: string;
  details: string[];
  href?: string;
  isFaded?: boolean;
}

interface Props<T extends Thing> {
  label: string;
  columns: string[];
  things: readonly T[] | null;
  empty?: string | undefined;
  actions?: (thing: T) => ReactNode;
}

export function Things<T extends Thing>({ label, columns, things, empty, actions }: Props<T>) {
  const kit = useWords(kitWords);
  if (!things) return <div style={{ minHeight: "20rem" }} aria-busy />;
  if (things.length === 0) return <p>{empty ?? kit.nothing}</p>;
  return (
    <table className={styles.table} aria-label={label}>
      <thead>
        <tr>
          {columns.map((column, index) => (
            <th key={column} scope="col" className={index > 0 ? styles.wide : undefined}>{column}</th>
          ))}
          {actions && <th scope="col"><span className="heard">{kit.actions}</span></th>}
        </tr>
      </thead>
      <tbody>
        {things.map((thing) => (
          <tr key={thing.id} data-faded={thing.isFaded || undefined}>
            <th scope="row">
              {thing.href ? <Anchor component={Link} href={thing.href}>{thing.title}</Anchor> : thing.title}
              <div className={styles.below}>{thing.details.filter(Boolean).join(" · ")}</div>
            </th>
            {thing.details.map((detail, index) => (
              <td key={index} className={styles.wide}>{detail}</td>
            ))}
            {actions && <td className={styles.acts}>{actions(thing)}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Where a list could not be loaded: that, and a way to try again. */
export function NotLoaded({ onAgain }: { onAgain(): void }) {
  const kit = useWords(kitWords);
  return (
    <Alert color="red" role="alert">
      {kit.failed} <Button variant="default" size="compact-md" onClick={onAgain}>{kit.again}</Button>
    </Alert>
  );
}
