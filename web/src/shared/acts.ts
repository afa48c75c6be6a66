// Acts: how a page has the server do something. Every mutation is written with the alias `payload`, and
// answers with what was done or with refusals; these are worded here, or by the page that knows better.

import { useCallback, useState } from "react";
import { useClient, type Client, type TypedDocumentNode } from "urql";
import { refusalWords } from "./refusals";
import { wordsNow } from "./words";

export interface Refusal {
  __typename?: string;
  code: string;
  message: string;
  path: string[];
}

interface Payload {
  errors: readonly object[];
}

export type Outcome<P> =
  | { isDone: true; payload: P; refusal: null }
  | { isDone: false; payload: P | null; refusal: Refusal };

export interface Act<P, Input> {
  run(input: Input): Promise<Outcome<P>>;
  isRunning: boolean;
}

const UNREACHABLE: Refusal = { code: "UNREACHABLE", message: "", path: [] };

/** Has an act done, and says how it ended. */
export async function act<P extends Payload, Input>(
  client: Client,
  document: TypedDocumentNode<{ payload: P }, { input: Input }>,
  input: Input,
): Promise<Outcome<P>> {
  const { data, error } = await client.mutation(document, { input }).toPromise();
  if (!data) {
    const code = error?.graphQLErrors[0]?.extensions["code"];
    const refusal = typeof code === "string" ? { ...UNREACHABLE, code } : UNREACHABLE;
    return { isDone: false, payload: null, refusal };
  }
  const refusal = data.payload.errors[0] as Refusal | undefined;
  if (refusal) return { isDone: false, payload: data.payload, refusal };
  return { isDone: true, payload: data.payload, refusal: null };
}

export function useAct<P extends Payload, Input>(
  document: TypedDocumentNode<{ payload: P }, { input: Input }>,
): Act<P, Input> {
  const client = useClient();
  const [isRunning, setIsRunning] = useState(false);
  const run = useCallback(
    async (input: Input): Promise<Outcome<P>> => {
      setIsRunning(true);
      try {
        return await act(client, document, input);
      } finally {
        setIsRunning(false);
      }
    },
    [client, document],
  );
  return { run, isRunning };
}

/** A sentence for people; the server's own where the client knows none for the code. */
export function worded(refusal: Refusal): string {
  const words = wordsNow(refusalWords) as Record<string, string>;
  return words[refusal.code] || refusal.message || words["UNREACHABLE"]!;
}

/** A form's act: runs it with the fields of the form, and keeps what was refused, by field. */
export function useForm<P extends Payload, Input>(
  act: Act<P, Input>,
  onDone: (payload: P) => void,
) {
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const submit = async (input: Input) => {
    setRefusal(null);
    const outcome = await act.run(input);
    if (outcome.isDone) onDone(outcome.payload);
    else setRefusal(outcome.refusal);
  };
  const field = refusal?.path.at(-1);
  return {
    submit,
    isRunning: act.isRunning,
    /** What is wrong with a field, to be shown below it. */
    errorOf: (name: string) => (refusal && field === name ? worded(refusal) : undefined),
    /** What is wrong otherwise, to be shown above the form. */
    problem: (fields: readonly string[]) =>
      refusal && !(field && fields.includes(field)) ? worded(refusal) : null,
  };
}
