// The keys of the calendar, on a sheet that the key "?" opens, wherever on the page one is.

import { Table } from "@mantine/core";
import { useEffect, useState } from "react";
import { Sheet } from "../shared/sheet";
import { useWords } from "../shared/words";
import { calendarWords } from "./words";

export function KeysSheet() {
  const words = useWords(calendarWords);
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    const open = ({ key, target }: KeyboardEvent) => {
      if (key === "?" && !isTyping(target)) setOpen(true);
    };
    addEventListener("keydown", open);
    return () => removeEventListener("keydown", open);
  }, []);
  const keys = [
    ["←  →", words.keyAcross],
    ["↑  ↓", words.keyAlong],
    [words.keyHomeEndName, words.keyHomeEnd],
    [words.keyPagesName, words.keyPages],
    ["Enter", words.keyEnter],
    ["Esc", words.keyEscape],
    ["?", words.keyHelp],
  ] as const;
  return (
    <Sheet isOpen={isOpen} onClose={() => setOpen(false)} title={words.keysTitle} closeLabel={words.close}>
      <Table verticalSpacing="xs">
        <Table.Tbody>
          {keys.map(([name, meaning]) => (
            <Table.Tr key={name}>
              <Table.Th scope="row" w="8rem"><kbd>{name}</kbd></Table.Th>
              <Table.Td>{meaning}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Sheet>
  );
}

/** Whether a key that is pressed there is written. */
function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
