// Notes: what was done, for a moment at the edge of the page.

import { Button, Group } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { kitWords } from "./kit-words";
import { wordsNow } from "./words";

const UNDO_LASTS = 10_000;

export function showNote(message: string): void {
  notifications.show({ message, ...closing() });
}

export function showFailure(message: string): void {
  notifications.show({ message, color: "red", autoClose: 8_000, role: "alert", ...closing() });
}

/** A note with a way back; it goes away when the way is taken, and says how that ended. */
export function showUndo(message: string, button: string, undo: () => Promise<string>): void {
  const id = crypto.randomUUID();
  const take = async () => {
    notifications.hide(id);
    showNote(await undo());
  };
  notifications.show({
    id,
    ...closing(),
    autoClose: UNDO_LASTS,
    message: (
      <Group justify="space-between" wrap="nowrap">
        <span>{message}</span>
        <Button variant="light" size="compact-md" flex="none" onClick={() => void take()}>{button}</Button>
      </Group>
    ),
  });
}

/** The name of the button that closes a note, for those who hear the page. */
function closing() {
  return { closeButtonProps: { "aria-label": wordsNow(kitWords).close } };
}
