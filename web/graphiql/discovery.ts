// What the page asks the server before it opens: demo accounts to sign in with, and a calendar
// with a free slot for the examples. None of it is needed; whatever is missing stays empty.

import { request } from "./api";

export interface DemoAccount {
  label: string;
  login: string;
  password: string;
}

export interface Discovery {
  organization: string | null;
  demoAccounts: DemoAccount[];
  calendarId: string | null;
  slot: { id: string; startsAt: Date } | null;
}

interface Directory {
  organization: { name: string };
  doctors: {
    edges: {
      node: {
        calendar: { id: string };
        nextAvailableSlot: { id: string; startsAt: string } | null;
      };
    }[];
  };
}

const DIRECTORY = /* GraphQL */ `
  query Discover {
    organization { name }
    doctors(first: 20) {
      edges {
        node {
          calendar { id }
          nextAvailableSlot { id startsAt }
        }
      }
    }
  }
`;

export async function discover(): Promise<Discovery> {
  const [demoAccounts, directory] = await Promise.all([
    readDemoAccounts().catch(() => []),
    request<Directory>(DIRECTORY).then(
      ({ data }) => data,
      () => null,
    ),
  ]);
  const doctors = directory?.doctors.edges.map(({ node }) => node) ?? [];
  const doctor = doctors.find(({ nextAvailableSlot }) => nextAvailableSlot) ?? doctors[0];
  const slot = doctor?.nextAvailableSlot;
  return {
    organization: directory?.organization.name ?? null,
    demoAccounts,
    calendarId: doctor?.calendar.id ?? null,
    slot: slot ? { id: slot.id, startsAt: new Date(slot.startsAt) } : null,
  };
}

async function readDemoAccounts(): Promise<DemoAccount[]> {
  const response = await fetch("/graphiql/config.json", { signal: AbortSignal.timeout(10_000) });
  const config = (await response.json()) as { demoAccounts?: DemoAccount[] };
  return config.demoAccounts ?? [];
}
