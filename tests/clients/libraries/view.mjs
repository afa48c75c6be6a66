// What every client shows of a calendar, and where it stands in it.

export const CHANGES = `
  subscription Watch($calendar: ID!, $from: DateTime!, $to: DateTime!, $after: Cursor) {
    calendarChanges(calendarId: $calendar, from: $from, to: $to, after: $after) {
      reset
      cursor
      previousCursor
      slots { id startsAt endsAt status version bookedCount }
    }
  }
`;

export class View {
  #slots = new Map();
  #cursor = null;
  #tell;

  constructor(window, tell) {
    this.#tell = tell;
    const cursor = () => this.#cursor;
    /** Read again at each return: `after` is the cursor that was applied last. */
    this.variables = {
      ...window,
      get after() {
        return cursor();
      },
    };
  }

  /** Applies an update. False where one before it was missed: come back with the cursor. */
  apply({ reset, cursor, previousCursor, slots }) {
    if (reset) {
      this.#slots.clear();
    } else if (previousCursor !== this.#cursor) {
      return false;
    }
    for (const slot of slots) {
      if (slot.status === "REMOVED") {
        this.#slots.delete(slot.id);
      } else {
        this.#slots.set(slot.id, slot);
      }
    }
    this.#cursor = cursor;
    this.#tell({ reset, slots: [...this.#slots.values()] });
    return true;
  }

  /** Says that the server does not let this client in, or not any longer. */
  refuse(reason) {
    this.#tell({ refused: reason });
  }
}
