// The public page of an event, for whoever has its link: free places, live, booked with a name and an
// address. With `#booking=` it is the page of a booking: the secret behind the # reaches no server's log.

import { Stack, Text, Title } from "@mantine/core";
import { useEffect, useState } from "react";
import { useQuery } from "urql";
import { useParams } from "wouter";
import { EventPageDocument, type EventPageQuery } from "../gql/graphql";
import { useDates } from "../shared/dates";
import { useWords } from "../shared/words";
import { Booked } from "./booked";
import { BookPlace } from "./book-place";
import { eventWords } from "./words";

export type EventParts = NonNullable<EventPageQuery["event"]>;

export default function EventPage() {
  const words = useWords(eventWords);
  const { slug = "" } = useParams<{ slug: string }>();
  const [{ data }] = useQuery({ query: EventPageDocument, variables: { slug }, requestPolicy: "network-only" });
  const [token, setToken] = useBookingToken();
  if (!data) return null;
  if (!data.event) {
    return (
      <div className="shell-narrow">
        <Title order={1} size="h2">{words.notThere}</Title>
        <Text c="dimmed" mt="xs">{words.notThereHint}</Text>
      </div>
    );
  }
  return (
    <div className="shell-wide" style={{ maxWidth: "40rem" }}>
      <Stack gap="lg">
        <Heading event={data.event} />
        {token ? (
          <Booked event={data.event} token={token} onLeave={() => setToken(null)} />
        ) : (
          <BookPlace event={data.event} onBooked={setToken} />
        )}
      </Stack>
    </div>
  );
}

function Heading({ event }: { event: EventParts }) {
  const words = useWords(eventWords);
  const dates = useDates();
  return (
    <div>
      <Title order={1} size="h2">{event.title}</Title>
      <Text mt={4}>{dates.wholeDay(event.date)} · {dates.zone(event.timeZone, `${event.date}T12:00:00Z`)}</Text>
      <Text c="dimmed">{words.by(event.organizerName)}</Text>
      {event.description && <Text mt="md" style={{ whiteSpace: "pre-line" }}>{event.description}</Text>}
    </div>
  );
}

/** The secret of a booking in the address, which is kept there for going back to. */
function useBookingToken(): [string | null, (token: string | null) => void] {
  const [token, setToken] = useState(tokenInAddress);
  useEffect(() => {
    const read = () => setToken(tokenInAddress());
    addEventListener("hashchange", read);
    return () => removeEventListener("hashchange", read);
  }, []);
  const set = (next: string | null) => {
    history.pushState(null, "", next ? `#booking=${next}` : location.pathname);
    setToken(next);
  };
  return [token, set];
}

function tokenInAddress(): string | null {
  return new URLSearchParams(location.hash.slice(1)).get("booking");
}
