// What follows upon signing in: back to the page that asked for it, or to one's own first page.

import { useLocation } from "wouter";
import type { TokenFragment } from "../gql/graphql";
import { session } from "../shared/session";

export function useEnter(): (token: TokenFragment | null) => void {
  const [, go] = useLocation();
  return (token) => {
    if (!token) return;
    go(nextPage(location.search), { replace: true });
    session.enter(token);
  };
}

/** The page to go on to; only ever one of this server's. */
export function nextPage(search: string): string {
  const next = new URLSearchParams(search).get("next") ?? "/";
  return /^\/(?![/\\])/.test(next) ? next : "/";
}
