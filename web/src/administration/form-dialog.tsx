// The form of one thing in a dialog: making it, changing it, archiving it.

import { Alert, Button, Divider, Group, Stack, Text } from "@mantine/core";
import { useState, type FormEvent } from "react";
import { useClient } from "urql";
import { worded, type Refusal } from "../shared/acts";
import { kitWords } from "../shared/kit-words";
import { showNote } from "../shared/notes";
import { Sheet } from "../shared/sheet";
import { useKnown } from "../shared/viewer";
import { useWords } from "../shared/words";
import { fieldOf, Fields } from "./fields";
import type { Doing, Kind, Row, Values } from "./kind";
import { administrationWords } from "./words";

interface Props {
  kind: Kind;
  /** What is open: a thing, or a new one, or nothing. */
  opened: Row | "new" | null;
  onClose(isChanged: boolean): void;
}

export function FormDialog({ kind, opened, onClose }: Props) {
  const words = useWords(administrationWords);
  const kit = useWords(kitWords);
  const title = opened === "new" ? words[kind.add!] : (opened?.title ?? "");
  return (
    <Sheet isOpen={opened !== null} title={title} closeLabel={kit.close} onClose={() => onClose(false)}>
      {opened && <Opened kind={kind} row={opened === "new" ? null : opened} onDone={() => onClose(true)} />}
    </Sheet>
  );
}

function Opened({ kind, row, onDone }: { kind: Kind; row: Row | null; onDone(): void }) {
  const words = useWords(administrationWords);
  const kit = useWords(kitWords);
  const { viewer } = useKnown();
  const [values, setValues] = useState<Values>(row?.values ?? {});
  const { run, refusal, isRunning } = useDoing(onDone);
  const fields = kind.fields.filter(({ only }) => only !== (row ? "new" : "old"));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void run(row ? kind.update! : kind.create!, values, row?.id ?? "", words.saved);
  };
  const isElsewhere = refusal && !fieldOf(refusal, fields);
  // Archiving is for administrators, of everything.
  const mayArchive = row && kind.archive && viewer?.role === "ADMIN";
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        {isElsewhere && <Alert color="red" role="alert">{worded(refusal)}</Alert>}
        <Fields fields={fields} values={values} refusal={refusal} onChange={setValues} />
        <Button type="submit" size="md" loading={isRunning}>{kit.save}</Button>
        {mayArchive && <Archiving onArchive={() => void run(kind.archive!, values, row.id, words.archived)} />}
      </Stack>
    </form>
  );
}

function Archiving({ onArchive }: { onArchive(): void }) {
  const words = useWords(administrationWords);
  const [isAsked, setIsAsked] = useState(false);
  return (
    <>
      <Divider />
      <Group justify="space-between">
        <Text size="sm" c="dimmed" flex="1 1 10rem">{words.archiveHint}</Text>
        {isAsked
          ? <Button color="red" onClick={onArchive}>{words.reallyArchive}</Button>
          : <Button variant="default" onClick={() => setIsAsked(true)}>{words.archive}</Button>}
      </Group>
    </>
  );
}

/** Runs one act of a kind; says that it is done, or keeps why it was refused. */
export function useDoing(onDone: () => void) {
  const client = useClient();
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [isRunning, setIsRunning] = useState(false);
  const run = async (doing: Doing, values: Values, id: string, said: string) => {
    setRefusal(null);
    setIsRunning(true);
    const outcome = await doing(client, values, id);
    setIsRunning(false);
    if (!outcome.isDone) return setRefusal(outcome.refusal);
    showNote(said);
    onDone();
  };
  return { run, refusal, isRunning };
}
