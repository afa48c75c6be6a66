// What GraphiQL keeps in this browser: tabs, history, theme and pane sizes, but no request
// headers, because a token may have been typed there. (GraphiQL's own switch, shouldPersistHeaders,
// spares the tabs and not the history.)

import type { Example } from "./examples";

const PREFIX = "graphiql:";

// Until someone drags the divider, the operation gets this many times the height of its variables.
const DEFAULTS: Record<string, string> = { [`${PREFIX}secondaryEditorFlex`]: "4.5" };

export const storage = {
  get length() {
    return keys().length;
  },
  getItem: (key: string) => localStorage.getItem(key) ?? DEFAULTS[key] ?? null,
  setItem(key: string, value: string) {
    if (key !== `${PREFIX}headers`) localStorage.setItem(key, withoutHeaders(value));
  },
  removeItem: (key: string) => localStorage.removeItem(key),
  clear: () => keys().forEach((key) => localStorage.removeItem(key)),
};

function keys(): string[] {
  return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
}

function withoutHeaders(value: string): string {
  try {
    return JSON.stringify(
      JSON.parse(value, (key, part: unknown) => (key === "headers" ? null : part)),
    );
  } catch {
    return value; // plain text, such as the query being edited
  }
}

interface Operation {
  query: string | null;
  variables: string | null;
}

/**
 * Examples come back as stored tabs, with dates and ids of the day they were stored. Those that
 * nobody edited are brought up to date; to tell, the examples last handed out are stored as well.
 */
export function freshenStoredExamples(examples: Example[]): void {
  const handedOut = read<Example[]>("examples") ?? [];
  const freshOf = ({ query, variables }: Operation) => {
    const same = (example: Example) =>
      example.query === query && example.variables === (variables ?? "");
    const old = handedOut.find(same);
    return examples.find(({ name }) => name === old?.name);
  };

  const state = read<{ tabs: Operation[] }>("tabState");
  for (const tab of state?.tabs ?? []) {
    const { query, variables } = freshOf(tab) ?? tab;
    Object.assign(tab, { query, variables });
  }
  if (state) write("tabState", JSON.stringify(state));

  // The operation in the editor is stored a second time, apart from its tab.
  const fresh = freshOf({ query: readText("query"), variables: readText("variables") });
  if (fresh) {
    write("query", fresh.query);
    write("variables", fresh.variables);
  }
  write("examples", JSON.stringify(examples));
}

const readText = (name: string) => localStorage.getItem(PREFIX + name);
const write = (name: string, value: string) => localStorage.setItem(PREFIX + name, value);

function read<Value>(name: string): Value | null {
  try {
    return JSON.parse(readText(name) ?? "null") as Value | null;
  } catch {
    return null;
  }
}
