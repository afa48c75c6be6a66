// Going through a long list page by page. The server gives a page after a place; the way back is kept here.

import { ActionIcon, Group, Text } from "@mantine/core";
import { useState } from "react";
import { Icon } from "./icons";
import { kitWords } from "./kit-words";
import { useWords } from "./words";

export interface Pages {
  after: string | null;
  isFirst: boolean;
  next(cursor: string): void;
  previous(): void;
}

/** The place in a list; back at its beginning when `list`, what it is a list of, is another. */
export function usePages(list: string): Pages {
  const [{ of, places }, setPlaces] = useState<{ of: string; places: string[] }>({ of: list, places: [] });
  const known = of === list ? places : [];
  return {
    after: known.at(-1) ?? null,
    isFirst: known.length === 0,
    next: (cursor) => setPlaces({ of: list, places: [...known, cursor] }),
    previous: () => setPlaces({ of: list, places: known.slice(0, -1) }),
  };
}

export function Pager({ pages, next, total }: { pages: Pages; next: string | null; total: number | null }) {
  const kit = useWords(kitWords);
  if (pages.isFirst && !next && !total) return null;
  return (
    <Group justify="space-between" mt="sm">
      <Text size="sm" c="dimmed" role="status">{total === null ? "" : kit.total(total)}</Text>
      {!(pages.isFirst && !next) && (
        <Group gap={6}>
          <ActionIcon variant="default" size={44} aria-label={kit.previous} disabled={pages.isFirst} onClick={pages.previous}>
            <Icon name="left" />
          </ActionIcon>
          <ActionIcon variant="default" size={44} aria-label={kit.next} disabled={!next} onClick={() => next && pages.next(next)}>
            <Icon name="right" />
          </ActionIcon>
        </Group>
      )}
    </Group>
  );
}
