// The page: the session bar on top, GraphiQL below it.

import { GraphiQL } from "graphiql";
import { useState } from "react";
import type { Discovery } from "./discovery";
import type { Example } from "./examples";
import { ExamplesMenu } from "./examples-menu";
import { createFetcher } from "./fetcher";
import { Session } from "./session";
import { SessionBar } from "./session-bar";
import { storage } from "./storage";
import { FollowSystemTheme } from "./system-theme";

export function App({ discovery, examples }: { discovery: Discovery; examples: Example[] }) {
  const [session] = useState(() => new Session());
  // Kept the same for good: GraphiQL reads the whole schema again whenever it gets a new one.
  const [fetcher] = useState(() => createFetcher(session));

  return (
    <>
      <SessionBar session={session} discovery={discovery} />
      <GraphiQL
        fetcher={fetcher}
        storage={storage}
        defaultTabs={examples}
        defaultEditorToolsVisibility="variables"
        shouldPersistHeaders={false}
      >
        <GraphiQL.Toolbar>
          {({ prettify, merge, copy }) => (
            <>
              {prettify}
              {merge}
              {copy}
              <ExamplesMenu examples={examples} />
              <FollowSystemTheme />
            </>
          )}
        </GraphiQL.Toolbar>
      </GraphiQL>
    </>
  );
}
