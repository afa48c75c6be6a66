// Which page is at which address, and for whom. Each page is loaded when it is first needed.

import { lazy, type ComponentType } from "react";
import { Redirect, Route, Switch, useLocation } from "wouter";
import type { Role } from "../gql/graphql";
import { homeOf, useKnown } from "../shared/viewer";
import { useWords } from "../shared/words";
import { Message, NotFound } from "./shell";
import { shellWords } from "./words";

const STAFF: Role[] = ["ADMIN", "RECEPTIONIST", "DOCTOR"];
const FRONT_DESK: Role[] = ["ADMIN", "RECEPTIONIST"];
const SIGNED_IN: Role[] = [...STAFF, "PATIENT"];

const PATIENTS: Role[] = ["PATIENT"];

const PUBLIC: Record<string, ComponentType> = {
  "/sign-in": lazy(() => import("../accounts/sign-in")),
  "/sign-up": lazy(() => import("../accounts/sign-up")),
  "/forgot-password": lazy(() => import("../accounts/forgot-password")),
  "/reset-password": lazy(() => import("../accounts/reset-password")),
  "/accept-invitation": lazy(() => import("../accounts/accept-invitation")),
  "/confirm-email": lazy(() => import("../accounts/confirm-email")),
  "/e/:slug": lazy(() => import("../events/page")),
  "/book": lazy(() => import("../booking/page")),
  "/book/:slotId": lazy(() => import("../booking/confirm")),
};
const GUARDED: Record<string, { page: ComponentType; roles: Role[] }> = {
  "/confirm-email-change": { page: lazy(() => import("../accounts/confirm-email-change")), roles: SIGNED_IN },
  "/profile": { page: lazy(() => import("../accounts/profile")), roles: SIGNED_IN },
  "/appointments": { page: lazy(() => import("../appointments/page")), roles: PATIENTS },
  "/appointments/:id": { page: lazy(() => import("../appointments/detail")), roles: PATIENTS },
  "/waitlist": { page: lazy(() => import("../waitlist/page")), roles: PATIENTS },
  "/calendar": { page: lazy(() => import("../calendar/page")), roles: STAFF },
  "/dashboard": { page: lazy(() => import("../dashboard/page")), roles: STAFF },
  "/visits": { page: lazy(() => import("../visits/page")), roles: STAFF },
  "/visits/day": { page: lazy(() => import("../visits/day-sheet")), roles: STAFF },
  "/patients/:id": { page: lazy(() => import("../visits/patient-page")), roles: STAFF },
  "/availability": { page: lazy(() => import("../availability/page")), roles: STAFF },
  "/administration/:part?": { page: lazy(() => import("../administration/page")), roles: FRONT_DESK },
};

export function Routes() {
  const { viewer } = useKnown();
  return (
    <Switch>
      <Route path="/">
        <Redirect to={homeOf(viewer)} replace />
      </Route>
      {Object.entries(PUBLIC).map(([path, Page]) => (
        <Route key={path} path={path}>
          <Page />
        </Route>
      ))}
      {Object.entries(GUARDED).map(([path, { page, roles }]) => (
        <Route key={path} path={path}>
          <Guarded page={page} roles={roles} />
        </Route>
      ))}
      <Route>
        <NotFound />
      </Route>
    </Switch>
  );
}

/** A page for some: whoever is not signed in is asked to, and comes back. The server decides anyway. */
function Guarded({ page: Page, roles }: { page: ComponentType; roles: Role[] }) {
  const words = useWords(shellWords);
  const { viewer } = useKnown();
  const [path] = useLocation();
  if (!viewer) {
    const back = path + location.search + location.hash;
    return <Redirect to={`/sign-in?next=${encodeURIComponent(back)}`} replace />;
  }
  if (!roles.includes(viewer.role)) {
    return <Message title={words.forbidden} hint={words.forbiddenHint} />;
  }
  return <Page />;
}
