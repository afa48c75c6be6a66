// What the front desk sees of slots, and of their appointments.

import type { SlotPartsFragment } from "../gql/graphql";
import type { SlotStore } from "../shared/slots";

export type DeskStore = SlotStore<SlotPartsFragment>;
