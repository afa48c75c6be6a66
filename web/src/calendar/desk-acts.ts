// What the front desk does with a slot, each with a note that offers to undo it for ten seconds. An undo is
// an act of its own: what was cancelled is booked again, if nobody was quicker.

import { useCallback, useMemo } from "react";
import { useClient, type TypedDocumentNode } from "urql";
import {
  BlockTimeDocument,
  BookForPatientDocument,
  CancelAppointmentDocument,
  CheckInDocument,
  CompleteDocument,
  MarkNoShowDocument,
  MoveAppointmentDocument,
  UnblockTimeDocument,
  type SlotPartsFragment,
} from "../gql/graphql";
import { act, worded, type Outcome } from "../shared/acts";
import { showFailure, showUndo } from "../shared/notes";
import { wordsNow } from "../shared/words";
import type { Moving } from "./moving";
import type { Visit } from "./state";
import type { DeskStore } from "./store";
import { calendarWords } from "./words";

type Result = { appointment: { id: string; version?: number; slot: SlotPartsFragment } | null } | { slots: readonly SlotPartsFragment[] | null };
type Payload = Result & { errors: readonly object[] };

export function useDeskActs(store: DeskStore) {
  const client = useClient();
  const run = useCallback(
    async <P extends Payload, Input>(
      document: TypedDocumentNode<{ payload: P }, { input: Input }>,
      input: Input,
    ): Promise<Outcome<P>> => {
      const outcome = await act(client, document, input);
      if (outcome.isDone) store.put(slotsOf(outcome.payload));
      return outcome;
    },
    [client, store],
  );
  return useMemo(() => actsWith(run), [run]);
}

export type DeskActs = ReturnType<typeof actsWith>;

type Run = <P extends Payload, Input>(
  document: TypedDocumentNode<{ payload: P }, { input: Input }>,
  input: Input,
) => Promise<Outcome<P>>;

function actsWith(run: Run) {
  const words = () => wordsNow(calendarWords);

  /** Runs an act, and notes that it is done, or why not. */
  async function doing<P extends Payload, Input>(
    document: TypedDocumentNode<{ payload: P }, { input: Input }>,
    input: Input,
    said?: string,
    undo?: (payload: P) => Promise<Outcome<Payload>>,
  ): Promise<Outcome<P>> {
    const outcome = await run(document, input);
    if (!outcome.isDone) showFailure(worded(outcome.refusal));
    else if (said && undo) showUndo(said, words().undo, () => undone(undo(outcome.payload)));
    return outcome;
  }

  async function undone(outcome: Promise<Outcome<Payload>>): Promise<string> {
    const { isDone, refusal } = await outcome;
    return isDone ? words().undone : worded(refusal!);
  }

  const cancelled = (appointmentId: string) => run(CancelAppointmentDocument, { appointmentId });
  const booked = (slotId: string, patientId: string, reason: string | null) =>
    run(BookForPatientDocument, { slotId, patientId, reason, idempotencyKey: crypto.randomUUID() });

  return {
    async book(slotId: string, patient: { id: string; name: string }, reason: string | null) {
      const outcome = await booked(slotId, patient.id, reason);
      if (outcome.isDone) {
        const { id } = outcome.payload.appointment!;
        showUndo(words().wasBooked(patient.name), words().undo, () => undone(cancelled(id)));
      }
      return outcome;
    },
    cancel: (slotId: string, visit: Visit) =>
      doing(
        CancelAppointmentDocument,
        { appointmentId: visit.id, expectedVersion: visit.version },
        words().wasCancelled(visit.patient?.name ?? words().somebody),
        () => booked(slotId, visit.patient!.id, visit.reason),
      ),
    move: ({ appointmentId, version, slotId: before, name }: Moving, slotId: string) =>
      doing(
        MoveAppointmentDocument,
        { appointmentId, slotId, expectedVersion: version },
        words().wasMoved(name),
        () => run(MoveAppointmentDocument, { appointmentId, slotId: before }),
      ),
    checkIn: ({ id, version }: Visit) => doing(CheckInDocument, { appointmentId: id, expectedVersion: version }),
    complete: ({ id, version }: Visit) => doing(CompleteDocument, { appointmentId: id, expectedVersion: version }),
    noShow: ({ id, version }: Visit) => doing(MarkNoShowDocument, { appointmentId: id, expectedVersion: version }),
    block: (time: Time) =>
      doing(BlockTimeDocument, time, words().wasBlocked, () => run(UnblockTimeDocument, time)),
    unblock: (time: Time) =>
      doing(UnblockTimeDocument, time, words().wasUnblocked, () => run(BlockTimeDocument, time)),
  };
}

interface Time {
  calendarId: string;
  startsAt: string;
  endsAt: string;
}

function slotsOf(payload: Payload): readonly SlotPartsFragment[] {
  if ("slots" in payload) return payload.slots ?? [];
  return payload.appointment ? [payload.appointment.slot] : [];
}
