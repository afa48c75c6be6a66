// The slots that are watched, each with its own listeners: one change draws one slot. An update is taken at
// once, so that the cursor is always that of what is held; who looks is told 50 ms later, of all changes
// of that time together. The rules of updates are those of docs/live.md.

import { useCallback, useSyncExternalStore } from "react";

export interface SlotBase {
  id: string;
  startsAt: string;
  endsAt: string;
  status: string;
  version: number;
}

export interface Update<S extends SlotBase> {
  reset: boolean;
  cursor: string;
  previousCursor: string | null;
  slots: readonly S[];
}

/** A slot as it is now, and when it was seen to change: 0 where it came with the whole picture. */
export interface Seen<S extends SlotBase> {
  slot: S;
  calendarId: string;
  changedAt: number;
}

interface Watched {
  cursor: string | null;
  ids: readonly string[];
}

const TOGETHER = 50;
const NONE: readonly string[] = [];

export class SlotStore<S extends SlotBase> {
  #seen = new Map<string, Seen<S>>();
  #calendars = new Map<string, Watched>();
  #listeners = new Map<string, Set<() => void>>();
  #dirty = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly now: () => number = Date.now) {}

  slot(id: string): Seen<S> | undefined {
    return this.#seen.get(id);
  }

  /** The slots of a calendar in order of time; the same array until one comes, goes, or is moved. */
  ids(calendarId: string): readonly string[] {
    return this.#calendars.get(calendarId)?.ids ?? NONE;
  }

  cursor(calendarId: string): string | null {
    return this.#calendars.get(calendarId)?.cursor ?? null;
  }

  /** Whether the first picture of a calendar has come. */
  isKnown(calendarId: string): boolean {
    return this.#calendars.has(calendarId);
  }

  /** Takes an update: how many slots it changed, or null where one before it was missed. */
  receive(calendarId: string, update: Update<S>): number | null {
    const held = this.#calendars.get(calendarId);
    if (!update.reset && update.previousCursor !== held?.cursor) return null;
    const gone = update.reset ? new Set(this.ids(calendarId)) : new Set<string>();
    let changed = 0;
    for (const slot of update.slots) {
      gone.delete(slot.id);
      if (slot.status === "REMOVED") gone.add(slot.id);
      else if (this.#take(calendarId, slot, held !== undefined)) changed++;
    }
    for (const id of gone) if (this.#drop(id)) changed++;
    this.#calendars.set(calendarId, { cursor: update.cursor, ids: this.ids(calendarId) });
    if (changed > 0 || !held) this.#arrange(calendarId);
    this.#tell(held ? TOGETHER : 0);
    return changed;
  }

  /** Takes copies of slots that came another way, such as with a mutation; older ones are left alone. */
  put(slots: readonly S[]): void {
    for (const slot of slots) {
      const seen = this.#seen.get(slot.id);
      if (seen && slot.status !== "REMOVED") this.#take(seen.calendarId, slot, true);
    }
    this.#tell(0);
  }

  /** Forgets a calendar, as when another window of it is watched. */
  forget(calendarId: string): void {
    for (const id of this.ids(calendarId)) this.#drop(id);
    this.#calendars.delete(calendarId);
    this.#dirty.add(calendarId);
    this.#tell(0);
  }

  /** Calls when a slot, or the list of slots of a calendar, has changed. */
  subscribe(key: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(key);
    };
  }

  #take(calendarId: string, slot: S, isChange: boolean): boolean {
    const seen = this.#seen.get(slot.id);
    if (seen && seen.slot.version > slot.version) return false;
    const isNew = seen?.slot.version !== slot.version;
    const changedAt = isNew && isChange ? this.now() : (seen?.changedAt ?? 0);
    this.#seen.set(slot.id, { slot, calendarId, changedAt });
    this.#dirty.add(slot.id);
    return isNew;
  }

  #drop(id: string): boolean {
    this.#dirty.add(id);
    return this.#seen.delete(id);
  }

  /** Brings the list of a calendar into order; leaves it the same array where nothing moved. */
  #arrange(calendarId: string): void {
    const watched = this.#calendars.get(calendarId)!;
    const all = [...this.#seen.values()].filter((seen) => seen.calendarId === calendarId);
    all.sort((a, b) => a.slot.startsAt.localeCompare(b.slot.startsAt) || a.slot.id.localeCompare(b.slot.id));
    const ids = all.map(({ slot }) => slot.id);
    const isSame = ids.length === watched.ids.length && ids.every((id, at) => id === watched.ids[at]);
    this.#dirty.add(`${calendarId} changed`);
    if (isSame && this.#calendars.has(calendarId)) return;
    watched.ids = ids;
    this.#dirty.add(calendarId);
  }

  #tell(wait: number): void {
    if (wait === 0) {
      clearTimeout(this.#timer);
      this.#flush();
    } else {
      this.#timer ??= setTimeout(() => this.#flush(), wait);
    }
  }

  #flush(): void {
    this.#timer = undefined;
    const dirty = [...this.#dirty];
    this.#dirty.clear();
    for (const key of dirty) for (const listener of this.#listeners.get(key) ?? []) listener();
  }
}

export function useSlot<S extends SlotBase>(store: SlotStore<S>, id: string): Seen<S> | undefined {
  const subscribe = useCallback((listener: () => void) => store.subscribe(id, listener), [store, id]);
  return useSyncExternalStore(subscribe, () => store.slot(id));
}

/** The list of a calendar's slots; drawn anew when one comes or goes, not when one changes. */
export function useSlotIds<S extends SlotBase>(store: SlotStore<S>, calendarId: string): readonly string[] {
  const subscribe = useCallback(
    (listener: () => void) => store.subscribe(calendarId, listener),
    [store, calendarId],
  );
  return useSyncExternalStore(subscribe, () => store.ids(calendarId));
}
