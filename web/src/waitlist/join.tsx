// Joining a line: for a doctor or for any of a department, between two days.

import { Alert, Button, Select, SimpleGrid, Stack, TextInput, Title } from "@mantine/core";
import { useState, type FormEvent } from "react";
import { useQuery } from "urql";
import { BookingChoicesDocument, JoinWaitlistDocument } from "../gql/graphql";
import { useAct, worded } from "../shared/acts";
import { showNote } from "../shared/notes";
import { addDays, addMonths, startOfDay, today as dayNow } from "../shared/time";
import { useKnown } from "../shared/viewer";
import { useWords } from "../shared/words";
import { waitlistWords } from "./words";

const WEEKS = 28;

export function Join({ onJoined }: { onJoined(): void }) {
  const words = useWords(waitlistWords);
  const [{ data }] = useQuery({ query: BookingChoicesDocument });
  const { clinic } = useKnown();
  const today = dayNow(clinic.timeZone);
  const [whom, setWhom] = useState<{ doctorId: string | null; departmentId: string | null }>({ doctorId: null, departmentId: null });
  const [range, setRange] = useState({ from: today, to: addDays(today, WEEKS) });
  const [problem, setProblem] = useState<string | null>(null);
  const act = useAct(JoinWaitlistDocument);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!whom.doctorId && !whom.departmentId) {
      setProblem(words.choose);
      return;
    }
    const begins = startOfDay(range.from, clinic.timeZone);
    const from = new Date(Math.max(begins.getTime(), Date.now())).toISOString();
    const to = startOfDay(addDays(range.to, 1), clinic.timeZone).toISOString();
    const { isDone, refusal } = await act.run({ ...whom, from, to });
    setProblem(refusal ? worded(refusal) : null);
    if (!isDone) return;
    showNote(words.joined);
    onJoined();
  };
  const named = (edges: readonly { node: { id: string; name: string } }[] = []) =>
    edges.map(({ node }) => ({ value: node.id, label: node.name }));
  const last = addMonths(today, clinic.bookingPolicy.horizonMonths);
  return (
    <section className="panel" aria-labelledby="join">
      <Title order={2} size="h4" mb="md" id="join">{words.join}</Title>
      <form onSubmit={(event) => void submit(event)}>
        <Stack gap="md">
          {problem && <Alert color="red" role="alert">{problem}</Alert>}
          <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md">
            <Select searchable clearable label={words.forDoctor} data={named(data?.doctors.edges)} value={whom.doctorId} onChange={(doctorId) => setWhom({ doctorId, departmentId: null })} />
            <Select searchable clearable label={words.orDepartment} data={named(data?.departments.edges)} value={whom.departmentId} onChange={(departmentId) => setWhom({ doctorId: null, departmentId })} />
            <TextInput type="date" label={words.from} required min={today} max={last} value={range.from} onChange={({ currentTarget }) => setRange({ ...range, from: currentTarget.value })} />
            <TextInput type="date" label={words.to} required min={range.from} max={last} value={range.to} onChange={({ currentTarget }) => setRange({ ...range, to: currentTarget.value })} />
          </SimpleGrid>
          <Button type="submit" size="md" loading={act.isRunning} style={{ alignSelf: "flex-start" }}>{words.joinNow}</Button>
        </Stack>
      </form>
    </section>
  );
}
