// Where the client starts: it asks who is signed in, then shows the page that the address names.

import "./shared/styles";
import { localStorageColorSchemeManager, MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { StrictMode, useCallback, useEffect, useMemo, useState } from "react";
import { createRoot } from "react-dom/client";
import { Provider } from "urql";
import { createApi } from "./shared/api";
import { COLOR_SCHEME_KEY } from "./shared/preferences";
import { session, useSession } from "./shared/session";
import { readable, theme } from "./shared/theme";
import { Routes } from "./shell/routes";
import { Shell, Unreachable } from "./shell/shell";

const schemes = localStorageColorSchemeManager({ key: COLOR_SCHEME_KEY });
const BEGIN_AGAIN_AFTER = 3_000;

function App() {
  const { phase, epoch } = useSession();
  // Nothing that one person was shown is left for the next.
  const api = useMemo(createApi, [epoch]);
  const [isAway, setAway] = useState(false);
  const begin = useCallback(() => session.renew().catch(() => setAway(true)), []);
  useEffect(() => {
    if (phase !== "unknown") return undefined;
    void begin();
    const timer = setInterval(begin, BEGIN_AGAIN_AFTER);
    return () => clearInterval(timer);
  }, [phase, begin]);
  if (phase === "unknown") return isAway ? <Unreachable onAgain={begin} /> : null;
  return (
    <Provider key={epoch} value={api}>
      <Shell>
        <Routes />
      </Shell>
    </Provider>
  );
}

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={readable}
      colorSchemeManager={schemes}
      defaultColorScheme="auto"
    >
      <Notifications position="bottom-right" />
      <App />
    </MantineProvider>
  </StrictMode>,
);
