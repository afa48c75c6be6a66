// The bar above GraphiQL: who is signed in, one button per demo account, and a form for any other.

import { Button, ButtonGroup, cn } from "@graphiql/react";
import { useState, useSyncExternalStore } from "react";
import type { DemoAccount, Discovery } from "./discovery";
import mark from "./favicon.svg";
import type { Session, SessionState } from "./session";
import { SignInForm } from "./sign-in-form";

export function SessionBar({ session, discovery }: { session: Session; discovery: Discovery }) {
  const state = useSyncExternalStore(session.subscribe, session.state);
  return (
    // GraphiQL's class brings its colours, fonts and dark theme; style.css takes back its layout.
    <header className="graphiql-container session-bar">
      <img className="session-mark" src={mark} alt="" />
      <span className="session-title">{discovery.organization ?? "Appointments"}</span>
      <span className="session-hint">GraphQL API</span>
      {discovery.demoAccounts.length > 0 && (
        <DemoAccounts accounts={discovery.demoAccounts} session={session} state={state} />
      )}
      <Status state={state} />
      {state.person ? (
        <>
          <CopyTokenButton session={session} />
          <Button onClick={() => session.signOut()}>Sign out</Button>
        </>
      ) : (
        <SignInForm session={session} state={state} />
      )}
    </header>
  );
}

function Status({ state: { person, isBusy, problem } }: { state: SessionState }) {
  return (
    <span className={cn("session-status", person && "is-signed-in")} role="status">
      {problem ? (
        <span className="session-problem">{problem}</span>
      ) : isBusy ? (
        "Signing in…"
      ) : person ? (
        <>
          Signed in as <strong>{person.name}</strong> ({person.role.toLowerCase()})
        </>
      ) : (
        "Not signed in"
      )}
    </span>
  );
}

interface DemoAccountsProps {
  accounts: DemoAccount[];
  session: Session;
  state: SessionState;
}

function DemoAccounts({ accounts, session, state }: DemoAccountsProps) {
  return (
    <div className="session-demo">
      <span className="session-hint" id="demo-accounts">
        Try as
      </span>
      <ButtonGroup role="group" aria-labelledby="demo-accounts">
        {accounts.map(({ label, login, password }) => {
          const isActive = state.login === login;
          return (
            <Button
              key={login}
              className={cn(isActive && "active")}
              aria-pressed={isActive}
              disabled={state.isBusy}
              title={`Sign in as ${login}`}
              onClick={() => void session.signIn(login, password)}
            >
              {label}
            </Button>
          );
        })}
      </ButtonGroup>
    </div>
  );
}

/** For use outside GraphiQL, with curl for instance. */
function CopyTokenButton({ session }: { session: Session }) {
  const [isCopied, setIsCopied] = useState(false);

  async function copy() {
    const { authorization = "" } = await session.headers();
    await navigator.clipboard.writeText(authorization.replace("Bearer ", ""));
    setIsCopied(true);
    setTimeout(() => setIsCopied(false), 2_000);
  }

  // Browsers lend the clipboard only to pages from https or this computer.
  if (!window.isSecureContext) return null;
  return (
    <Button title="Copy the access token. It lasts ten minutes." onClick={() => void copy()}>
      {isCopied ? "Copied" : "Copy token"}
    </Button>
  );
}
