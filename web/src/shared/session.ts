// Who is signed in. The access token lives in this object and nowhere else; the refresh token in a
// cookie that scripts cannot read, by which the server gives a new access token. Tabs tell each other
// when somebody signs in or out.

import { useSyncExternalStore } from "react";

export interface DemoAccount {
  label: string;
  login: string;
  password: string;
}

/** `epoch` is another number for each sign-in: what was kept for one person is not shown to the next. */
export interface SessionState {
  phase: "unknown" | "out" | "in";
  epoch: number;
  demoAccounts: DemoAccount[];
}

export interface Token {
  accessToken: string;
  accessTokenExpiresAt: string;
}

interface Answer {
  session: Token | null;
  demoAccounts: DemoAccount[];
}

// A token that is nearer to its end than this, in milliseconds, is renewed before it is used.
const LAST_CALL = 30_000;
const SESSION_URL = "/session";

export class Session {
  #state: SessionState = { phase: "unknown", epoch: 0, demoAccounts: [] };
  #token: string | null = null;
  #expiresAt = 0;
  #renewal: Promise<void> | null = null;
  #listeners = new Set<() => void>();
  #tabs = new BroadcastChannel("session");

  constructor() {
    this.#tabs.onmessage = ({ data }) => this.#hear(data as "in" | "out");
  }

  readonly state = (): SessionState => this.#state;
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** The token to send now; null for the public. */
  get token(): string | null {
    return this.#token;
  }

  get isStale(): boolean {
    return this.#token !== null && Date.now() > this.#expiresAt - LAST_CALL;
  }

  /** The token to send, renewed first where it must be. */
  async freshToken(): Promise<string | null> {
    if (this.#state.phase === "unknown" || this.isStale) await this.renew();
    return this.#token;
  }

  /** Asks the server for a new token; callers at the same time share one request. */
  renew(): Promise<void> {
    this.#renewal ??= this.#askForToken().finally(() => (this.#renewal = null));
    return this.#renewal;
  }

  /** Takes what an act that signs somebody in has answered. */
  enter(token: Token): void {
    this.#adopt(token);
    this.#show({ phase: "in", epoch: this.#state.epoch + 1 });
    this.#tabs.postMessage("in");
  }

  /** Forgets who was signed in; the act that ends the session has had the browser forget its cookie. */
  leave(): void {
    this.#forget();
    this.#tabs.postMessage("out");
  }

  async #askForToken(): Promise<void> {
    const response = await fetch(SESSION_URL, { method: "POST" });
    if (!response.ok) throw new Error(`The session could not be renewed: ${response.status}`);
    const { session, demoAccounts } = (await response.json()) as Answer;
    const was = this.#state.phase;
    if (!session) {
      this.#token = null;
      const epoch = this.#state.epoch + (was === "in" ? 1 : 0);
      this.#show({ phase: "out", epoch, demoAccounts });
      return;
    }
    this.#adopt(session);
    if (was !== "in") this.#show({ phase: "in", epoch: this.#state.epoch + 1, demoAccounts });
  }

  #adopt(token: Token): void {
    this.#token = token.accessToken;
    this.#expiresAt = Date.parse(token.accessTokenExpiresAt);
  }

  #forget(): void {
    this.#token = null;
    if (this.#state.phase === "in") this.#show({ phase: "out", epoch: this.#state.epoch + 1 });
  }

  #hear(said: "in" | "out"): void {
    this.#forget();
    if (said === "in") void this.renew().catch(() => undefined);
  }

  #show(change: Partial<SessionState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

export const session = new Session();

export function useSession(): SessionState {
  return useSyncExternalStore(session.subscribe, session.state);
}
