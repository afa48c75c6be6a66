// Who is signed in. Tokens live in this object and nowhere else: not in the editors and not in the
// browser's storage, so they are gone when the page is closed or reloaded.

import { request, type Answer, type HeaderMap } from "./api";

export interface Person {
  name: string;
  role: string;
}

/** What the page shows of the session. Replaced by a new object at every change. */
export interface SessionState {
  person: Person | null;
  /** The login that was used, to mark its button. */
  login: string | null;
  isBusy: boolean;
  problem: string | null;
}

interface Tokens {
  access: string;
  refresh: string;
  /** By this computer's clock. */
  expiresAt: number;
}

interface SessionPayload {
  session: {
    accessToken: string;
    accessTokenExpiresAt: string;
    refreshToken: string;
    user: Person;
  } | null;
  errors: { message?: string }[];
}

const SESSION = /* GraphQL */ `
  session {
    accessToken
    accessTokenExpiresAt
    refreshToken
    user { name role }
  }
  errors {
    ... on UserError { message code }
  }
`;

const SIGN_IN = /* GraphQL */ `
  mutation SignIn($input: SignInInput!) {
    payload: signIn(input: $input) { ${SESSION} }
  }
`;

const REFRESH = /* GraphQL */ `
  mutation RefreshSession($input: RefreshSessionInput!) {
    payload: refreshSession(input: $input) { ${SESSION} }
  }
`;

const SIGN_OUT = /* GraphQL */ `
  mutation SignOut {
    signOut(input: {}) { signedOut }
  }
`;

const SIGNED_OUT: SessionState = { person: null, login: null, isBusy: false, problem: null };

// In milliseconds. A token is renewed a minute before it ends; one that is nearer to its end than
// LAST_CALL is not used before it has been renewed.
const MARGIN = 60_000;
const LAST_CALL = 10_000;
const RETRY_AFTER = 5_000;

/** The server understood and said no, as against not having been reached at all. */
class Refused extends Error {}

export class Session {
  #state = SIGNED_OUT;
  #tokens: Tokens | null = null;
  #renewal: Promise<void> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #listeners = new Set<() => void>();

  // The pair that React's useSyncExternalStore asks for.
  readonly state = (): SessionState => this.#state;
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  async signIn(login: string, password: string): Promise<void> {
    const previous = this.#tokens;
    this.#show({ ...this.#state, isBusy: true, problem: null });
    try {
      const answer = await request<{ payload: SessionPayload }>(SIGN_IN, {
        input: { login, password },
      });
      this.#adopt(answer, login);
      if (previous) revoke(previous);
    } catch (error) {
      this.#show({ ...this.#state, isBusy: false, problem: messageOf(error) });
    }
  }

  signOut(): void {
    if (this.#tokens) revoke(this.#tokens);
    this.#forget(null);
  }

  /** The header that speaks for the person signed in; empty for the public. */
  async headers(): Promise<HeaderMap> {
    // Timers stand still while a computer sleeps, so the token may be older than it should be.
    if (this.#tokens && Date.now() > this.#tokens.expiresAt - LAST_CALL) await this.#renew();
    return this.#tokens ? bearer(this.#tokens) : {};
  }

  /** Renews the tokens, once: a refresh token is good for one use, so callers share the request. */
  #renew(): Promise<void> {
    this.#renewal ??= this.#requestRenewal().finally(() => (this.#renewal = null));
    return this.#renewal;
  }

  async #requestRenewal(): Promise<void> {
    const tokens = this.#tokens;
    if (!tokens) return;
    try {
      const answer = await request<{ payload: SessionPayload }>(REFRESH, {
        input: { refreshToken: tokens.refresh },
      });
      // Someone may have signed out, or in as another person, while the request was under way.
      if (this.#tokens === tokens) this.#adopt(answer, this.#state.login);
    } catch (error) {
      if (this.#tokens !== tokens) return;
      if (error instanceof Refused) this.#forget("Your session has ended. Please sign in again.");
      else this.#renewIn(RETRY_AFTER);
    }
  }

  #adopt({ data, serverTime }: Answer<{ payload: SessionPayload }>, login: string | null): void {
    const { session, errors } = data.payload;
    if (!session) throw new Refused(errors[0]?.message ?? "That did not work.");
    const lifetime = Date.parse(session.accessTokenExpiresAt) - serverTime;
    this.#tokens = {
      access: session.accessToken,
      refresh: session.refreshToken,
      expiresAt: Date.now() + lifetime,
    };
    this.#renewIn(Math.max(lifetime - MARGIN, lifetime / 2));
    this.#show({ person: session.user, login, isBusy: false, problem: null });
  }

  #forget(problem: string | null): void {
    clearTimeout(this.#timer);
    this.#tokens = null;
    this.#show({ ...SIGNED_OUT, problem });
  }

  #renewIn(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#renew(), milliseconds);
  }

  #show(state: SessionState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

/** Ends a session on the server. It would end by itself, so nobody waits for this. */
function revoke(tokens: Tokens): void {
  request(SIGN_OUT, {}, bearer(tokens)).catch(() => undefined);
}

function bearer(tokens: Tokens): HeaderMap {
  return { authorization: `Bearer ${tokens.access}` };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
