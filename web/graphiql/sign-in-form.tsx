// Signing in with any account: a button that opens a small form below it.

import { Button } from "@graphiql/react";
import type { FormEvent } from "react";
import type { Session, SessionState } from "./session";

const FORM_ID = "sign-in-form";

export function SignInForm({ session, state }: { session: Session; state: SessionState }) {
  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    await session.signIn(String(fields.get("login")), String(fields.get("password")));
  }

  return (
    <>
      <Button popoverTarget={FORM_ID}>Sign in…</Button>
      <form
        id={FORM_ID}
        className="sign-in-form"
        popover="auto"
        aria-label="Sign in"
        onSubmit={(event) => void submit(event)}
      >
        <label>
          E-mail or username
          <input name="login" autoComplete="username" autoFocus required />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        {state.problem && (
          <p className="session-problem" role="alert">
            {state.problem}
          </p>
        )}
        <button className="sign-in-submit" disabled={state.isBusy}>
          {state.isBusy ? "Signing in…" : "Sign in"}
        </button>
      </form>
    </>
  );
}
