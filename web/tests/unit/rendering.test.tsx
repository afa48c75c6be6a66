// What is drawn anew when one slot changes: that slot, and nothing else.

import { act, cleanup, render } from "@testing-library/react";
import { Profiler } from "react";
import { afterEach, expect, test } from "vitest";
import { TimeGrid, type Column } from "../../src/calendar/time-grid";
import type { DeskStore } from "../../src/calendar/store";
import { SlotStore } from "../../src/shared/slots";
import type { SlotPartsFragment } from "../../src/gql/graphql";

const ZONE = "Europe/Madrid";
const CALENDAR = "calendar_1";
const COLUMNS: Column[] = [
  { key: "1", calendarId: CALENDAR, day: "2027-03-01", owner: "Ada", header: "Mon" },
  { key: "2", calendarId: CALENDAR, day: "2027-03-02", owner: "Ada", header: "Tue" },
];
const nothing = () => undefined;

function slot(index: number, version = 1, status: SlotPartsFragment["status"] = "AVAILABLE"): SlotPartsFragment {
  const start = Date.parse("2027-03-01T08:00:00Z") + (index % 20) * 30 * 60_000 + Math.floor(index / 20) * 86_400_000;
  return {
    id: `slot_${index}`,
    startsAt: new Date(start).toISOString(),
    endsAt: new Date(start + 30 * 60_000).toISOString(),
    status,
    version,
    capacity: 1,
    bookedCount: 0,
    heldUntil: null,
    isHeldByViewer: false,
    appointments: [],
  };
}

function drawn() {
  const store: DeskStore = new SlotStore();
  const slots = Array.from({ length: 40 }, (_, index) => slot(index));
  store.receive(CALENDAR, { reset: true, cursor: "c1", previousCursor: null, slots });
  let commits = 0;
  const { container } = render(
    <Profiler id="grid" onRender={() => commits++}>
      <TimeGrid store={store} columns={COLUMNS} zone={ZONE} label="" corner="" onOpen={nothing} onPage={nothing} />
    </Profiler>,
  );
  return { store, container, commits: () => commits };
}

afterEach(cleanup);

test("one change draws one slot once", async () => {
  const { store, container, commits } = drawn();
  expect(container.querySelectorAll("[data-slot]").length).toBe(40);
  const before = commits();
  const changes: string[] = [];
  const observer = new MutationObserver((records) => {
    for (const { target } of records) {
      const element = target instanceof Element ? target : target.parentElement!;
      changes.push(element.closest("[data-slot]")?.getAttribute("data-slot") ?? "elsewhere");
    }
  });
  observer.observe(container, { subtree: true, childList: true, attributes: true, characterData: true });
  await act(async () => {
    store.receive(CALENDAR, { reset: false, cursor: "c2", previousCursor: "c1", slots: [slot(7, 2, "BOOKED")] });
    await new Promise((go) => setTimeout(go, 80));
  });
  observer.disconnect();
  expect(new Set(changes)).toEqual(new Set(["slot_7"]));
  expect(commits() - before).toBe(1);
  expect(container.querySelector('[data-slot="slot_7"]')!.getAttribute("data-state")).toBe("booked");
});

test("every slot says day, time, whose it is and its state, and not by color alone", () => {
  const { container } = drawn();
  const text = container.querySelector('[data-slot="slot_0"]')!.textContent;
  // Whether a comma follows the weekday is ICU's to say.
  expect(text).toMatch(/^○Monday,? 1 March 2027, 09:00 to 09:30, Ada, Free$/);
});

test("the grid is one stop of the Tab key, and arrows move in it", () => {
  const { container } = drawn();
  const stops = () => [...container.querySelectorAll('[tabindex="0"]')].map((one) => one.getAttribute("data-slot"));
  expect(stops()).toEqual(["slot_0"]);
  const press = (key: string) => {
    document.activeElement!.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    return document.activeElement!.getAttribute("data-slot");
  };
  container.querySelector<HTMLElement>('[tabindex="0"]')!.focus();
  expect(press("ArrowDown")).toBe("slot_1");
  expect(press("ArrowRight")).toBe("slot_21");
  expect(press("End")).toBe("slot_39");
  expect(press("ArrowRight")).toBe("slot_39");
  expect(press("ArrowLeft")).toBe("slot_19");
  expect(press("Home")).toBe("slot_0");
  expect(press("ArrowUp")).toBe("slot_0");
  expect(stops()).toEqual(["slot_0"]);
});
