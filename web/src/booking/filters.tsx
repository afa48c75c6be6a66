// What a patient may wish for.

import { Button, SegmentedControl, Select, SimpleGrid, Stack, Text } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useMemo, useState } from "react";
import { useQuery } from "urql";
import { BookingChoicesDocument } from "../gql/graphql";
import { useLanguage } from "../shared/preferences";
import { useWords } from "../shared/words";
import type { Wishes } from "./search";
import { bookingWords } from "./words";

interface Props {
  wishes: Wishes;
  onWish(change: Partial<Wishes>): void;
}

export function Filters({ wishes, onWish }: Props) {
  const words = useWords(bookingWords);
  const [{ data }] = useQuery({ query: BookingChoicesDocument });
  const tongues = useTongues(data?.doctors.edges.flatMap(({ node }) => node.languages) ?? []);
  const named = (connection: { edges: readonly { node: { id: string; name: string } }[] } | undefined) =>
    connection?.edges.map(({ node }) => ({ value: node.id, label: node.name })) ?? [];
  const doctors = data?.doctors.edges.map(({ node }) => ({
    value: node.id,
    label: [node.name, node.specialty].filter(Boolean).join(" · "),
  }));
  const visits = data?.visitTypes.map(({ id, name, minutes }) => ({ value: id, label: `${name} · ${words.minutes(minutes)}` }));
  const isNarrow = useMediaQuery("(max-width: 48em)", matchMedia("(max-width: 48em)").matches);
  // On a phone the times are to be seen at once: what is rarely wished for waits behind a button.
  const [isOpen, setIsOpen] = useState(!!(wishes.place || wishes.visit || wishes.language || wishes.part));
  const all = { searchable: true, clearable: true, placeholder: words.any };
  return (
    <section className="panel" aria-label={words.search}>
      <Stack gap="md">
        <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }} spacing="md">
          <Select {...all} label={words.department} data={named(data?.departments)} value={wishes.department} onChange={(department) => onWish({ department })} />
          <Select {...all} placeholder={words.firstAvailable} label={words.doctor} data={doctors ?? []} value={wishes.doctor} onChange={(doctor) => onWish({ doctor })} />
          {(isOpen || !isNarrow) && (
            <>
              <Select {...all} label={words.place} data={named(data?.offices)} value={wishes.place} onChange={(place) => onWish({ place })} />
              <Select {...all} label={words.visit} data={visits ?? []} value={wishes.visit} onChange={(visit) => onWish({ visit })} />
              <Select {...all} label={words.language} data={tongues} value={wishes.language} onChange={(language) => onWish({ language })} />
              <PartOfDay wishes={wishes} onWish={onWish} />
            </>
          )}
        </SimpleGrid>
        {!isOpen && isNarrow && (
          <Button variant="subtle" onClick={() => setIsOpen(true)}>{words.more}</Button>
        )}
      </Stack>
    </section>
  );
}

function PartOfDay({ wishes, onWish }: Props) {
  const words = useWords(bookingWords);
  return (
    <div>
      <Text fw={500} id="part-of-day" mb={2}>{words.partOfDay}</Text>
      <SegmentedControl
        aria-labelledby="part-of-day"
        fullWidth
        size="sm"
        value={wishes.part ?? ""}
        onChange={(part) => onWish({ part })}
        data={[
          { value: "", label: words.any },
          { value: "morning", label: words.morning },
          { value: "afternoon", label: words.afternoon },
          { value: "evening", label: words.evening },
        ]}
      />
    </div>
  );
}

/** Languages by the names that they have in the language of whoever looks. */
function useTongues(codes: readonly string[]) {
  const language = useLanguage();
  const key = [...new Set(codes)].sort().join(" ");
  return useMemo(() => {
    const names = new Intl.DisplayNames(language, { type: "language" });
    return key.split(" ").filter(Boolean).map((code) => ({ value: code, label: names.of(code) ?? code }));
  }, [language, key]);
}
