// The live connection: one socket for all views of a page, which comes back by itself. What a view holds,
// and whether an update follows upon it, the view says; how one comes back is said in docs/live.md.

import { createClient, type Client } from "graphql-ws";
import { useSyncExternalStore } from "react";
import { stringifyDocument, type TypedDocumentNode } from "urql";
import { session } from "./session";

export interface LiveState {
  /** idle: nothing is watched. away: something is watched, and its state is not known to be the newest. */
  phase: "idle" | "live" | "away";
  since: number;
  /** How many changes came to light when the connection was back; 0 before that. */
  applied: number;
}

export interface View<Data, Variables> {
  document: TypedDocumentNode<Data, Variables>;
  /** Asked anew for each return, so that it says the newest cursor. */
  variables(): Variables;
  /** How many things changed by an update; null where one was missed, and the view must come back. */
  next(data: Data): number | null;
  /** The view is over for good: there is no such thing for this viewer. */
  lost(code: string): void;
}

const GIVE_UP = /^(NOT_FOUND|FORBIDDEN|BAD_INPUT|QUERY_REJECTED)$/;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
const PONG_WITHIN = 5_000;
const NOTE_LASTS = 8_000;

class Live {
  #client: Client;
  #state: LiveState = { phase: "idle", since: Date.now(), applied: 0 };
  #listeners = new Set<() => void>();
  #views = new Set<Watched<never, never>>();
  #note: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string) {
    let silence: ReturnType<typeof setTimeout> | undefined;
    const isHeard = () => clearTimeout(silence);
    this.#client = createClient({
      url,
      connectionParams: async () => {
        const token = await session.freshToken().catch(() => session.token);
        return token ? { authorization: `Bearer ${token}` } : {};
      },
      keepAlive: 10_000,
      retryAttempts: 0, // each view comes back by itself, with its cursor
      on: {
        ping: (received) => {
          if (!received) silence = setTimeout(() => this.#client.terminate(), PONG_WITHIN);
        },
        pong: isHeard,
        closed: isHeard,
      },
    });
    addEventListener("online", () => this.#hurry());
    addEventListener("offline", () => this.#client.terminate());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#hurry();
    });
    let { epoch } = session.state();
    session.subscribe(() => {
      // A socket speaks for whoever opened it.
      if (session.state().epoch !== epoch) this.#client.terminate();
      ({ epoch } = session.state());
    });
  }

  readonly state = (): LiveState => this.#state;
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Watches until the function that it gives is called. */
  watch<Data, Variables extends Record<string, unknown>>(view: View<Data, Variables>): () => void {
    const watched = new Watched(this.#client, view, (changed) => this.#summarize(changed));
    this.#views.add(watched as never);
    watched.begin();
    this.#summarize(0);
    return () => {
      watched.end();
      this.#views.delete(watched as never);
      this.#summarize(0);
    };
  }

  #hurry(): void {
    for (const view of this.#views) view.hurry();
  }

  #summarize(applied: number): void {
    const views = [...this.#views].filter((view) => !view.isOver);
    const isLive = views.every((view) => view.isLive);
    const phase = views.length === 0 ? "idle" : isLive ? "live" : "away";
    if (phase === this.#state.phase && applied === 0) return;
    const since = phase === this.#state.phase ? this.#state.since : Date.now();
    this.#show({ phase, since, applied: this.#state.applied + applied });
    if (applied > 0) {
      clearTimeout(this.#note);
      this.#note = setTimeout(() => this.#show({ ...this.#state, applied: 0 }), NOTE_LASTS);
    }
  }

  #show(state: LiveState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

/** One view: what it is asked for, and how it comes back. */
class Watched<Data, Variables extends Record<string, unknown>> {
  isLive = false;
  isOver = false;
  #hasBeenLive = false;
  #failures = 0;
  #run = 0;
  #stop: () => void = () => undefined;
  #waiting: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly client: Client,
    private readonly view: View<Data, Variables>,
    private readonly tell: (changed: number) => void,
  ) {}

  begin(): void {
    const run = ++this.#run;
    const { document, variables } = this.view;
    const isPast = () => this.isOver || run !== this.#run;
    this.#waiting = undefined;
    this.#stop = this.client.subscribe<Data>(
      { query: stringifyDocument(document), variables: variables() },
      {
        next: ({ data, errors }) => {
          if (isPast()) return;
          if (data) this.#take(data);
          else this.#fail(errors?.[0]?.extensions?.["code"]);
        },
        error: (error) => isPast() || this.#fail(codeOf(error)),
        complete: () => isPast() || this.#fail(undefined),
      },
    );
  }

  end(): void {
    this.isOver = true;
    clearTimeout(this.#waiting);
    this.#stop();
  }

  /** Comes back now, where it waits to come back. */
  hurry(): void {
    if (this.#waiting === undefined) return;
    clearTimeout(this.#waiting);
    this.begin();
  }

  #take(data: Data): void {
    const changed = this.view.next(data);
    if (changed === null) {
      this.#fail(undefined);
      return;
    }
    const isBack = !this.isLive && this.#hasBeenLive;
    this.isLive = this.#hasBeenLive = true;
    this.#failures = 0;
    this.tell(isBack ? changed : 0);
  }

  #fail(code: unknown): void {
    this.#stop();
    this.#run++;
    this.isLive = false;
    if (typeof code === "string" && GIVE_UP.test(code)) {
      this.isOver = true;
      this.view.lost(code);
    } else {
      // The token that the socket was opened with has ended: the next one is opened with another.
      if (code === "UNAUTHENTICATED") void session.renew().catch(() => undefined);
      const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#failures++);
      this.#waiting = setTimeout(() => this.begin(), Math.random() * longest);
    }
    this.tell(0);
  }
}

function codeOf(error: unknown): unknown {
  return Array.isArray(error) ? error[0]?.extensions?.code : undefined;
}

const url = new URL("/graphql", location.href);
url.protocol = url.protocol === "https:" ? "wss:" : "ws:";

export const live = new Live(url.href);

export function useLive(): LiveState {
  return useSyncExternalStore(live.subscribe, live.state);
}
