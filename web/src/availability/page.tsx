// The page about working hours: weekly hours of one calendar, and what is stronger than these.

import { Select, Stack, Title } from "@mantine/core";
import { useSearchParams } from "wouter";
import { useWords } from "../shared/words";
import { Exceptions } from "./exceptions";
import { useOwners, type Owner } from "./owners";
import { Weekly } from "./weekly";
import { availabilityWords } from "./words";

export default function AvailabilityPage() {
  const words = useWords(availabilityWords);
  const owners = useOwners();
  const [params, setParams] = useSearchParams();
  const owner = owners.find(({ id }) => id === params.get("of")) ?? owners[0];
  return (
    <div className="shell-wide">
      <Stack gap="lg">
        <Title order={1} size="h2">{words.availability}</Title>
        {owners.length > 1 && <Whose owners={owners} owner={owner!} onChoose={(id) => setParams({ of: id })} />}
        {owner && (
          <Stack gap="lg" key={owner.id}>
            <Weekly owner={owner} />
            <Exceptions owner={owner} />
          </Stack>
        )}
      </Stack>
    </div>
  );
}

function Whose({ owners, owner, onChoose }: { owners: Owner[]; owner: Owner; onChoose(id: string): void }) {
  const words = useWords(availabilityWords);
  const items = (isRoom: boolean) =>
    owners.filter((one) => one.isRoom === isRoom).map(({ id, name }) => ({ value: id, label: name }));
  const rooms = items(true);
  const doctors = { group: words.doctors, items: items(false) };
  return (
    <Select
      label={words.whose}
      maw={360}
      data={rooms.length > 0 ? [doctors, { group: words.rooms, items: rooms }] : [doctors]}
      value={owner.id}
      onChange={(id) => id && onChoose(id)}
      allowDeselect={false}
      searchable
    />
  );
}
