// What administration knows of each kind of thing: how it is listed, what its form asks for, which acts
// there are. The list and the form are the same for all kinds.

import type { Client, TypedDocumentNode } from "urql";
import type { ChoicesQuery, Role } from "../gql/graphql";
import { act, type Outcome } from "../shared/acts";
import type { Word } from "./words";

export type Value = string | string[] | boolean;
export type Values = Record<string, Value>;

export interface Field {
  name: string;
  label: Word;
  type: "text" | "email" | "tel" | "number" | "date" | "long" | "one" | "many" | "yes" | "zone";
  hint?: Word;
  isRequired?: boolean;
  range?: [number, number];
  /** What can be chosen; where something else than words, of the clinic's own things. */
  choices?: keyof ChoicesQuery | Word[];
  /** Asked only when a thing is made, or only when it is changed. */
  only?: "new" | "old";
}

export interface Row {
  id: string;
  title: string;
  details: string[];
  values: Values;
  href?: string;
  isFaded?: boolean;
}

export interface Listed {
  rows: Row[];
  next: string | null;
  total: number | null;
}

interface Payload {
  errors: readonly object[];
}

export type Doing = (client: Client, values: Values, id: string) => Promise<Outcome<Payload>>;

export interface Kind {
  name: Word;
  add?: Word;
  columns: Word[];
  fields: Field[];
  list: { document: TypedDocumentNode<unknown, ListVariables>; hasSearch: boolean; read(data: unknown, words: Said): Listed };
  create?: Doing;
  update?: Doing;
  archive?: Doing;
  /** What else can be done with a row. */
  more?: { label: Word; done: Word; run: Doing };
  empty?: Word;
  roles: Role[];
}

export type ListVariables = { first?: number; after?: string | null; search?: string | null };
export type Said = Record<Word, string>;

/** An act with the values of a form. */
export function doing<P extends Payload, Input>(
  document: TypedDocumentNode<{ payload: P }, { input: Input }>,
  inputOf: (values: Values, id: string) => Input,
): Doing {
  return (client, values, id) => act(client, document, inputOf(values, id));
}

interface Connection<Node> {
  edges: readonly { node: Node }[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
  totalCount: number;
}

/** A list in pages. */
export function pages<Node, Variables extends object>(
  document: TypedDocumentNode<{ list: Connection<Node> }, Variables>,
  rowOf: (node: Node, words: Said) => Row,
): Kind["list"] {
  const read = (data: unknown, words: Said): Listed => {
    const { edges, pageInfo, totalCount } = (data as { list: Connection<Node> }).list;
    const rows = edges.map(({ node }) => rowOf(node, words));
    return { rows, next: pageInfo.hasNextPage ? pageInfo.endCursor : null, total: totalCount };
  };
  return { document: document as TypedDocumentNode<unknown, ListVariables>, hasSearch: asksFor(document, "search"), read };
}

/** A list that comes whole. */
export function whole<Node, Variables extends object>(
  document: TypedDocumentNode<{ list: readonly Node[] }, Variables>,
  rowOf: (node: Node, words: Said) => Row,
): Kind["list"] {
  const read = (data: unknown, words: Said): Listed => {
    const rows = (data as { list: readonly Node[] }).list.map((node) => rowOf(node, words));
    return { rows, next: null, total: null };
  };
  return { document: document as TypedDocumentNode<unknown, ListVariables>, hasSearch: false, read };
}

export function asksFor(document: TypedDocumentNode<never, never> | object, variable: string): boolean {
  return JSON.stringify(document).includes(`"variable":{"kind":"Variable","name":{"kind":"Name","value":"${variable}"}`);
}

export const text = (values: Values, name: string): string => String(values[name] ?? "").trim();
export const orNull = (values: Values, name: string): string | null => text(values, name) || null;
export const number = (values: Values, name: string): number => Number(text(values, name));
export const many = (values: Values, name: string): string[] => (values[name] as string[] | undefined) ?? [];
/** Words between commas. */
export const parts = (values: Values, name: string): string[] =>
  text(values, name).split(",").map((part) => part.trim()).filter(Boolean);
