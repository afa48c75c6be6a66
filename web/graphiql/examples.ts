// The operations that GraphiQL opens with, ready to run: ids come from the server's own data and
// dates from today. A tab is named after its operation.

import type { Discovery } from "./discovery";

export interface Example {
  /** The operation's name; GraphiQL shows it on the tab. */
  name: string;
  /** What it is for, in the menu of examples. */
  title: string;
  query: string;
  variables: string;
}

export function examplesFor({ calendarId, slot }: Discovery, now = new Date()): Example[] {
  const watchedDay = slot?.startsAt ?? now;
  return [
    {
      name: "Doctors",
      title: "Doctors, and who is free next",
      query: DOCTORS,
      variables: "",
    },
    {
      name: "CalendarWeek",
      title: "A doctor's calendar for a week",
      query: CALENDAR_WEEK,
      variables: json({ from: midnight(now), to: midnight(now, 7) }),
    },
    {
      name: "WatchCalendar",
      title: "Watch a calendar live",
      query: WATCH_CALENDAR,
      variables: json({
        calendarId: calendarId ?? "calendar_…",
        from: midnight(watchedDay),
        to: midnight(watchedDay, 1),
      }),
    },
    {
      name: "BookAppointment",
      title: "Book an appointment",
      query: BOOK_APPOINTMENT,
      variables: json({ input: { slotId: slot?.id ?? "slot_…", reason: "First visit" } }),
    },
    {
      name: "MyAppointments",
      title: "Who am I, and my appointments",
      query: MY_APPOINTMENTS,
      variables: "",
    },
  ];
}

const DOCTORS = `\
# The directory: who works here, and when each doctor is
# next free. Run it with the pink button on the right or
# with Ctrl-Enter. Everyone may read this: no need to
# sign in.

query Doctors {
  organization {
    name
    timeZone
  }
  doctors(first: 10) {
    totalCount
    edges {
      node {
        id
        name
        title
        specialty
        department {
          name
        }
        nextAvailableSlot {
          id
          startsAt
          endsAt
        }
      }
    }
  }
}
`;

const CALENDAR_WEEK = `\
# One doctor's calendar for the next seven days. They are
# in the variables below: "from" is the first instant
# shown, "to" the first one no longer shown.
# Add  status: [AVAILABLE]  to slots to see what is free.

query CalendarWeek($from: DateTime!, $to: DateTime!) {
  doctors(first: 1) {
    edges {
      node {
        name
        calendar {
          id
          timeZone
          slots(from: $from, to: $to) {
            id
            startsAt
            endsAt
            status
            isBookable
          }
        }
      }
    }
  }
}
`;

const WATCH_CALENDAR = `\
# Watch one day of a calendar live. Leave it running and
# book a slot of that day in another browser window: the
# change appears here by itself.
# The first update is the whole day (reset: true), later
# ones hold changed slots alone. Press again to stop.

subscription WatchCalendar(
  $calendarId: ID!
  $from: DateTime!
  $to: DateTime!
) {
  calendarChanges(
    calendarId: $calendarId
    from: $from
    to: $to
  ) {
    reset
    cursor
    slots {
      id
      startsAt
      status
      version
    }
  }
}
`;

const BOOK_APPOINTMENT = `\
# Book the slot that the variables name. Sign in first, at
# the top: patients book for themselves, staff add a
# "patientId" to the input.
# A refusal is part of the answer: run it twice, and
# "errors" says that the slot is taken, and what is free.

mutation BookAppointment($input: BookAppointmentInput!) {
  bookAppointment(input: $input) {
    appointment {
      id
      reference
      status
      startsAt
      endsAt
      canCancelUntil
      doctor {
        name
      }
    }
    errors {
      __typename
      ... on UserError {
        code
        message
        path
      }
      ... on SlotTaken {
        alternatives {
          id
          startsAt
        }
      }
    }
  }
}
`;

const MY_APPOINTMENTS = `\
# Who am I, and what are my appointments? Sign in first, at
# the top. Patients see their own appointments, doctors
# theirs, the front desk everyone's.

query MyAppointments {
  viewer {
    id
    name
    role
    email
    timeZone
  }
  appointments(first: 10) {
    totalCount
    edges {
      node {
        id
        reference
        status
        startsAt
        endsAt
        doctor {
          name
        }
        patient {
          name
        }
      }
    }
  }
}
`;

function json(value: object): string {
  return JSON.stringify(value, null, 2);
}

/** The start of a day in this computer's time zone, such as 2026-11-23T00:00:00+01:00. */
function midnight(date: Date, daysLater = 0): string {
  const day = new Date(date.getFullYear(), date.getMonth(), date.getDate() + daysLater);
  const two = (value: number) => String(Math.trunc(Math.abs(value))).padStart(2, "0");
  const offset = -day.getTimezoneOffset();
  return (
    `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}T00:00:00` +
    `${offset < 0 ? "-" : "+"}${two(offset / 60)}:${two(offset % 60)}`
  );
}
