// A button in the editor's toolbar that opens an example, for when its tab was closed or changed.

import { ToolbarButton, ToolbarMenu, useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import type { Example } from "./examples";

export function ExamplesMenu({ examples }: { examples: Example[] }) {
  const { addTab } = useGraphiQLActions();
  const { queryEditor, variableEditor } = useGraphiQL(({ queryEditor, variableEditor }) => ({
    queryEditor,
    variableEditor,
  }));

  function open({ query, variables }: Example) {
    addTab();
    queryEditor?.setValue(query);
    variableEditor?.setValue(variables);
  }

  return (
    <ToolbarMenu
      button={
        <ToolbarButton label="Open an example">
          <LightBulb />
        </ToolbarButton>
      }
    >
      {examples.map((example) => (
        <ToolbarMenu.Item key={example.name} onSelect={() => open(example)}>
          {example.title}
        </ToolbarMenu.Item>
      ))}
    </ToolbarMenu>
  );
}

function LightBulb() {
  return (
    <svg
      className="graphiql-toolbar-icon"
      viewBox="2 2 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d="M9 17.5c0-2.5-3-4-3-7.8a6 6 0 0 1 12 0c0 3.8-3 5.3-3 7.8zM9.5 20.5h5" />
    </svg>
  );
}
