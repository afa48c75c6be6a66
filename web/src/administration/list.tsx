// The list of one kind of thing: searched and paged by the server, each row with what can be done.

import { Button, Group, Stack, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useState } from "react";
import { useClient, useQuery } from "urql";
import { worded } from "../shared/acts";
import { kitWords } from "../shared/kit-words";
import { showFailure, showNote } from "../shared/notes";
import { Pager, usePages } from "../shared/pager";
import { NotLoaded, Things } from "../shared/things";
import { useWords } from "../shared/words";
import { FormDialog } from "./form-dialog";
import type { Kind, ListVariables, Row } from "./kind";
import { administrationWords } from "./words";

const PAGE = 20;

export function List({ kind }: { kind: Kind }) {
  const words = useWords(administrationWords);
  const kit = useWords(kitWords);
  const [typed, setTyped] = useState("");
  const [search] = useDebouncedValue(typed.trim(), 250);
  const pages = usePages(search);
  const [opened, setOpened] = useState<Row | "new" | null>(null);
  const variables: ListVariables = { first: PAGE, after: pages.after, ...(kind.list.hasSearch ? { search: search || null } : {}) };
  const [{ data, error }, ask] = useQuery({ query: kind.list.document, variables, requestPolicy: "cache-and-network" });
  const again = () => ask({ requestPolicy: "network-only" });
  const listed = data ? kind.list.read(data, words) : null;
  const close = (isChanged: boolean) => {
    setOpened(null);
    if (isChanged) again();
  };
  return (
    <Stack gap="md">
      <Group align="flex-end">
        {kind.list.hasSearch && (
          <TextInput
            type="search"
            label={kit.search}
            value={typed}
            onChange={({ currentTarget }) => setTyped(currentTarget.value)}
            flex="1 1 12rem"
            maw={420}
          />
        )}
        {kind.create && <Button size="md" onClick={() => setOpened("new")}>{words[kind.add!]}</Button>}
      </Group>
      <div className="panel">
        {error && !data && <NotLoaded onAgain={again} />}
        {!(error && !data) && (
          <Things
            label={words[kind.name]}
            columns={kind.columns.map((column) => words[column])}
            things={listed?.rows ?? null}
            empty={kind.empty && words[kind.empty]}
            actions={(row) => <Actions kind={kind} row={row} onOpen={setOpened} onDone={again} />}
          />
        )}
        {listed && <Pager pages={pages} next={listed.next} total={listed.total} />}
      </div>
      <FormDialog kind={kind} opened={opened} onClose={close} />
    </Stack>
  );
}

interface ActionsProps {
  kind: Kind;
  row: Row;
  onOpen(row: Row): void;
  onDone(): void;
}

function Actions({ kind, row, onOpen, onDone }: ActionsProps) {
  const words = useWords(administrationWords);
  const client = useClient();
  const [isRunning, setIsRunning] = useState(false);
  const { more, update } = kind;
  const run = async () => {
    setIsRunning(true);
    const { isDone, refusal } = await more!.run(client, row.values, row.id);
    setIsRunning(false);
    if (!isDone) return showFailure(worded(refusal!));
    showNote(words[more!.done]);
    onDone();
  };
  return (
    <Group gap={4} justify="flex-end">
      {more && (
        <Button variant="subtle" size="compact-md" loading={isRunning} aria-label={`${words[more.label]}: ${row.title}`} onClick={() => void run()}>
          {words[more.label]}
        </Button>
      )}
      {update && (
        <Button variant="light" size="compact-md" aria-label={`${words.edit}: ${row.title}`} onClick={() => onOpen(row)}>
          {words.edit}
        </Button>
      )}
    </Group>
  );
}
