// What a slot is to people at the front desk: by its own status, and by how far its appointment has come.

import type { SlotPartsFragment } from "../gql/graphql";

export type SlotState = "free" | "held" | "blocked" | "booked" | "arrived" | "done" | "missed";

/** A sign for each state, so that no state is told by color alone. */
export const GLYPHS: Record<SlotState, string> = {
  free: "○",
  held: "◔",
  blocked: "✕",
  booked: "●",
  arrived: "▶",
  done: "✓",
  missed: "!",
};

export type Visit = SlotPartsFragment["appointments"][number];

/** The appointment that a slot is about; the first of several. */
export function visitOf(slot: SlotPartsFragment): Visit | undefined {
  return slot.appointments.find(({ status }) => status !== "CANCELLED");
}

export function stateOf(slot: SlotPartsFragment): SlotState {
  const status = visitOf(slot)?.status;
  if (status === "CHECKED_IN") return "arrived";
  if (status === "COMPLETED") return "done";
  if (slot.status === "BOOKED") return status === "NO_SHOW" ? "missed" : "booked";
  if (slot.status === "HELD") return "held";
  return slot.status === "BLOCKED" ? "blocked" : "free";
}

export function isFree(slot: SlotPartsFragment): boolean {
  return slot.status === "AVAILABLE" || (slot.status === "HELD" && slot.isHeldByViewer);
}
