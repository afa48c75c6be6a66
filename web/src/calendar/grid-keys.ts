// How one moves in a grid by keys: it is one stop of the Tab key, and the arrows move inside of it. A thing
// that can be moved to has `data-cell`, inside of something that has `data-column`.

import { useCallback, useEffect, useRef, type FocusEvent, type KeyboardEvent, type RefObject } from "react";

interface Pages {
  onPage(by: 1 | -1): void;
}

export function useGridKeys({ onPage }: Pages) {
  const grid = useRef<HTMLDivElement>(null);
  useEffect(() => ensureStop(grid));
  const onFocus = useCallback(({ target }: FocusEvent<HTMLElement>) => {
    const cell = target.closest<HTMLElement>("[data-cell]");
    if (!cell || !grid.current) return;
    for (const stop of grid.current.querySelectorAll<HTMLElement>('[data-cell][tabindex="0"]')) stop.tabIndex = -1;
    cell.tabIndex = 0;
  }, []);
  const onKeyDown = useCallback(
    (event: KeyboardEvent<HTMLElement>) => {
      const cell = (event.target as HTMLElement).closest<HTMLElement>("[data-cell]");
      if (!cell || !grid.current || event.altKey || event.metaKey) return;
      const { key } = event;
      if (key === "PageDown" || key === "PageUp") onPage(key === "PageDown" ? 1 : -1);
      else {
        const next = nextCell(grid.current, cell, key);
        if (!next) return;
        next.focus();
      }
      event.preventDefault();
    },
    [onPage],
  );
  return { ref: grid, onFocus, onKeyDown };
}

/** Where a key leads to; null where it means nothing here. */
export function nextCell(grid: HTMLElement, cell: HTMLElement, key: string): HTMLElement | null {
  const columns = [...grid.querySelectorAll<HTMLElement>("[data-column]")].map(cellsOf);
  const at = columns.findIndex((cells) => cells.includes(cell));
  const column = columns[at] ?? [];
  const index = column.indexOf(cell);
  if (key === "ArrowDown") return column[index + 1] ?? null;
  if (key === "ArrowUp") return column[index - 1] ?? null;
  if (key === "Home") return column[0] ?? null;
  if (key === "End") return column.at(-1) ?? null;
  if (key === "ArrowRight") return across(columns.slice(at + 1), cell);
  if (key === "ArrowLeft") return across(columns.slice(0, at).reverse(), cell);
  return null;
}

/** In the next column that has something, what stands nearest to the same height. */
function across(columns: HTMLElement[][], cell: HTMLElement): HTMLElement | null {
  const column = columns.find((cells) => cells.length > 0);
  if (!column) return null;
  const top = Number(cell.dataset["cell"]);
  const distance = (other: HTMLElement) => Math.abs(Number(other.dataset["cell"]) - top);
  return column.reduce((best, other) => (distance(other) < distance(best) ? other : best));
}

function cellsOf(column: HTMLElement): HTMLElement[] {
  return [...column.querySelectorAll<HTMLElement>("[data-cell]")];
}

/** Whatever comes and goes, one cell can be reached by Tab. */
function ensureStop(grid: RefObject<HTMLDivElement | null>): void {
  if (!grid.current || grid.current.querySelector('[data-cell][tabindex="0"]')) return;
  const first = grid.current.querySelector<HTMLElement>("[data-cell]");
  if (first) first.tabIndex = 0;
}
