// How GraphiQL runs what is in the editor: subscriptions over WebSocket (graphql-transport-ws),
// everything else over HTTP, both as the person signed in. A header typed in the headers editor
// wins over the session's.

import { createGraphiQLFetcher, type Fetcher, type Observable } from "@graphiql/toolkit";
import {
  getOperationAST,
  parse,
  type ExecutionResult,
  type OperationDefinitionNode,
} from "graphql";
import { createClient, type SubscribePayload } from "graphql-ws";
import { GRAPHQL_URL, SOCKET_URL, type HeaderMap } from "./api";
import type { Session } from "./session";

export function createFetcher(session: Session): Fetcher {
  const runOverHttp = createGraphiQLFetcher({ url: GRAPHQL_URL.href });
  return async ({ query, variables, operationName }, options) => {
    const typed = inLowerCase(options?.headers ?? {});
    const headers = async () => ({ ...(await session.headers()), ...typed });
    const operation = operationIn(query, operationName);
    const params = { query, variables, operationName: operation?.name?.value ?? null };
    return operation?.operation === "subscription"
      ? runOverSocket(params, headers)
      : runOverHttp(params, { headers: await headers() });
  };
}

/**
 * GraphiQL's own idea of the operation (operationName, documentAST) lags 100 ms behind the editor,
 * so just after a change of tabs it is the one of the tab before. Only the text itself is true.
 */
function operationIn(query: string, name: string | null = null): OperationDefinitionNode | null {
  try {
    const document = parse(query, { noLocation: true });
    return getOperationAST(document, name) ?? getOperationAST(document) ?? null;
  } catch {
    return null; // the server says best what is wrong with it
  }
}

interface Sink {
  next(result: ExecutionResult): void;
  error(error: unknown): void;
  complete(): void;
}

/** An observable, as GraphiQL expects it: nothing is sent before someone subscribes. */
function runOverSocket(params: SubscribePayload, headers: () => Promise<HeaderMap>) {
  const client = createClient({
    url: SOCKET_URL.href,
    // A function, so that every reconnection comes with a fresh token.
    connectionParams: headers,
    keepAlive: 10_000,
  });
  const observable = {
    subscribe(sink: Sink) {
      let isOver = false;
      const stop = client.subscribe(
        params,
        {
          next: (result) => sink.next(result as ExecutionResult),
          error: (error) => sink.error(readable(error)),
          // A stream that was stopped is not "complete" as well: by then another may be running.
          complete: () => isOver || sink.complete(),
        },
      );
      return {
        unsubscribe() {
          isOver = true;
          stop();
        },
      };
    },
  };
  // The type asks for two more ways to subscribe, which GraphiQL does not use.
  return observable as Observable<ExecutionResult>;
}

/** A CloseEvent prints as {"isTrusted": true}; say what happened instead. */
function readable(error: unknown): unknown {
  if (!(error instanceof CloseEvent)) return error;
  return { message: `The connection was closed: ${error.code} ${error.reason}`.trim() };
}

function inLowerCase(headers: Record<string, unknown>): HeaderMap {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
}
