// Where the server is, and the page's own small requests to it. What people run in the editor goes
// through fetcher.ts instead.

export const GRAPHQL_URL = new URL("/graphql", location.href);

export const SOCKET_URL = new URL(GRAPHQL_URL);
SOCKET_URL.protocol = location.protocol === "https:" ? "wss:" : "ws:";

export type HeaderMap = Record<string, string>;

export interface Answer<Data> {
  data: Data;
  /** The server's clock when it answered, in milliseconds; this computer's may be wrong. */
  serverTime: number;
}

interface Body<Data> {
  data?: Data | null;
  errors?: { message: string }[];
}

/** Sends one operation and gives its data. Throws when there is none. */
export async function request<Data>(
  query: string,
  variables: object = {},
  headers: HeaderMap = {},
): Promise<Answer<Data>> {
  const response = await fetch(GRAPHQL_URL, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/graphql-response+json, application/json;q=0.9",
      ...headers,
    },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(10_000),
  });
  const { data, errors } = (await response.json()) as Body<Data>;
  if (!data) throw new Error(errors?.[0]?.message ?? `The server answered ${response.status}.`);
  const serverTime = Date.parse(response.headers.get("date") ?? "") || Date.now();
  return { data, serverTime };
}
