// Keeping a time while its form is filled in: asked for when the page opens, let go when it is left.

import { useEffect, useRef, useState } from "react";
import { useClient } from "urql";
import { HoldSlotDocument, ReleaseHoldDocument } from "../gql/graphql";
import { act, type Refusal } from "../shared/acts";

export interface Hold {
  /** Until when, in milliseconds; null while nothing is held. */
  until: number | null;
  /** How many seconds are left. */
  seconds: number;
  refusal: (Refusal & { alternatives?: { id: string; startsAt: string }[] }) | null;
  /** To be called when the time is booked: there is nothing to let go any more. */
  settle(): void;
}

export function useHold(slotId: string, visitTypeId: string | null, isWanted: boolean): Hold {
  const client = useClient();
  const [until, setUntil] = useState<number | null>(null);
  const [refusal, setRefusal] = useState<Hold["refusal"]>(null);
  const isSettled = useRef(false);
  useEffect(() => {
    if (!isWanted) return undefined;
    let isLeft = false;
    const release = () => void act(client, ReleaseHoldDocument, { slotId });
    void act(client, HoldSlotDocument, { slotId, visitTypeId }).then((outcome) => {
      if (isLeft) {
        if (outcome.isDone) release();
        return;
      }
      setRefusal(outcome.refusal);
      const heldUntil = outcome.isDone ? outcome.payload.slot?.heldUntil : null;
      setUntil(heldUntil ? Date.parse(heldUntil) : null);
    });
    return () => {
      isLeft = true;
      setUntil(null);
      if (!isSettled.current) release();
    };
  }, [client, slotId, visitTypeId, isWanted]);
  const seconds = useSecondsUntil(until);
  return { until, seconds, refusal, settle: () => (isSettled.current = true) };
}

function useSecondsUntil(until: number | null): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (until === null) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [until]);
  return until === null ? 0 : Math.max(0, Math.round((until - now) / 1_000));
}
