// Closing a free time, and opening it again.

import { Button } from "@mantine/core";
import type { SlotPartsFragment } from "../gql/graphql";
import { useWords } from "../shared/words";
import type { DeskActs } from "./desk-acts";
import type { SlotState } from "./state";
import { calendarWords } from "./words";

interface Props {
  slot: SlotPartsFragment;
  calendarId: string;
  state: SlotState;
  acts: DeskActs;
  onClose(): void;
}

export function Blocking({ slot: { startsAt, endsAt }, calendarId, state, acts, onClose }: Props) {
  const words = useWords(calendarWords);
  if (state !== "free" && state !== "blocked") return null;
  const toggle = async () => {
    const time = { calendarId, startsAt, endsAt };
    const { isDone } = await (state === "free" ? acts.block(time) : acts.unblock(time));
    if (isDone) onClose();
  };
  return (
    <Button variant={state === "free" ? "subtle" : "filled"} onClick={() => void toggle()}>
      {state === "free" ? words.block : words.unblock}
    </Button>
  );
}
