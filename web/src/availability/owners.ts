// Whose hours may be looked at and changed: of the front desk everybody's, of doctors their own.

import { useMemo } from "react";
import { useQuery } from "urql";
import { AvailabilityOwnersDocument } from "../gql/graphql";
import { useKnown } from "../shared/viewer";

export interface Owner {
  id: string;
  name: string;
  calendarId: string;
  zone: string;
  isRoom: boolean;
}

interface Calendar {
  id: string;
  timeZone: string;
}

export function useOwners(): Owner[] {
  const { viewer } = useKnown();
  const own = viewer?.doctor ?? null;
  const [{ data }] = useQuery({ query: AvailabilityOwnersDocument, pause: own !== null });
  return useMemo(() => {
    if (own) return [ownerOf(own, own.calendar, false)];
    const doctors = data?.doctors.edges.map(({ node }) => ownerOf(node, node.calendar, false)) ?? [];
    const rooms = data?.rooms.flatMap((room) => (room.calendar ? [ownerOf(room, room.calendar, true)] : [])) ?? [];
    return [...doctors, ...rooms];
  }, [own, data]);
}

function ownerOf({ id, name }: { id: string; name: string }, calendar: Calendar, isRoom: boolean): Owner {
  return { id, name, calendarId: calendar.id, zone: calendar.timeZone, isRoom };
}
