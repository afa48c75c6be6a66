// The state of the live connection: a chip that is always there while something is watched, and a banner
// when the connection has been lost for longer than a blink, or has come back with changes.

import { useEffect, useState } from "react";
import { useDates } from "../shared/dates";
import { useLive } from "../shared/live";
import { ownZone } from "../shared/time";
import { useWords } from "../shared/words";
import { shellWords } from "./words";

const BLINK = 2_000;

export function LiveChip() {
  const words = useWords(shellWords);
  const { phase } = useLive();
  const isLate = useIsLate();
  if (phase === "idle") return null;
  const shown = phase === "away" && !isLate ? words.connecting : words.reconnecting;
  return (
    <span className="live-chip" data-phase={phase} role="status">
      <i aria-hidden />
      {phase === "live" ? words.live : shown}
    </span>
  );
}

export function LiveBanner() {
  const words = useWords(shellWords);
  const dates = useDates();
  const { phase, since, applied } = useLive();
  const isLate = useIsLate();
  if (phase === "live" && applied > 0) {
    return <div className="banner" data-kind="note" role="status">{words.applied(applied)}</div>;
  }
  if (!isLate) return null;
  const moment = dates.time(new Date(since).toISOString(), ownZone());
  return <div className="banner" data-kind="away" role="status">{words.away(moment)}</div>;
}

/** Whether the connection has been away for longer than a blink. */
function useIsLate(): boolean {
  const { phase, since } = useLive();
  const [isLate, setIsLate] = useState(false);
  useEffect(() => {
    setIsLate(false);
    if (phase !== "away") return undefined;
    const timer = setTimeout(() => setIsLate(true), since + BLINK - Date.now());
    return () => clearTimeout(timer);
  }, [phase, since]);
  return isLate;
}
