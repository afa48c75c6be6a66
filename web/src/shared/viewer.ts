// Who looks, and at which clinic: asked once for each sign-in, known to every page.

import { createContext, useContext } from "react";
import type { ViewerQuery } from "../gql/graphql";

export type Viewer = NonNullable<ViewerQuery["viewer"]>;
export type Clinic = ViewerQuery["organization"];

export interface Known {
  viewer: Viewer | null;
  clinic: Clinic;
}

export const KnownContext = createContext<Known | null>(null);

export function useKnown(): Known {
  const known = useContext(KnownContext);
  if (!known) throw new Error("Nothing is known outside of the shell.");
  return known;
}

export function isStaff(viewer: Viewer | null): viewer is Viewer {
  return viewer !== null && viewer.role !== "PATIENT";
}

export function isFrontDesk(viewer: Viewer | null): boolean {
  return viewer?.role === "ADMIN" || viewer?.role === "RECEPTIONIST";
}

/** The page that each kind of person begins with. */
export function homeOf(viewer: Viewer | null): string {
  if (!viewer) return "/book";
  return isStaff(viewer) ? "/calendar" : "/appointments";
}
