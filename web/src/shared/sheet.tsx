// A dialog: over the page on a wide screen, the whole screen on a phone.

import { Modal } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import type { ReactNode } from "react";

interface Props {
  isOpen: boolean;
  title: ReactNode;
  closeLabel: string;
  onClose(): void;
  children: ReactNode;
}

export function Sheet({ isOpen, title, closeLabel, onClose, children }: Props) {
  const isNarrow = useMediaQuery("(max-width: 48em)") ?? false;
  return (
    <Modal.Root opened={isOpen} onClose={onClose} fullScreen={isNarrow} size="md" centered>
      <Modal.Overlay backgroundOpacity={0.4} />
      <Modal.Content>
        {/* Not Mantine's own header, which would be a second banner of the page. */}
        <div className="sheet-head">
          <Modal.Title component="div">{title}</Modal.Title>
          <Modal.CloseButton aria-label={closeLabel} size={44} />
        </div>
        <Modal.Body>{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}
