// Where the page starts: it asks the server what the examples need, then shows GraphiQL.

import "./workers";
import "./styles";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { discover } from "./discovery";
import { examplesFor } from "./examples";
import { freshenStoredExamples } from "./storage";

const discovery = await discover();
const examples = examplesFor(discovery);
freshenStoredExamples(examples);

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <App discovery={discovery} examples={examples} />
  </StrictMode>,
);
