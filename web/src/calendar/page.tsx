// The live calendar of the front desk and of doctors: one doctor's week or month, or a day of several
// doctors side by side.

import { useMediaQuery } from "@mantine/hooks";
import { useCallback, useEffect, useMemo, useState } from "react";
import { useQuery } from "urql";
import {
  CalendarChangesDocument,
  CalendarDoctorsDocument,
  MonthChangesDocument,
  type DoctorPartsFragment,
} from "../gql/graphql";
import { useDates } from "../shared/dates";
import { addDays, startOfDay, today as dayNow } from "../shared/time";
import { useKnown } from "../shared/viewer";
import { useWatched } from "../shared/watching";
import { useWords } from "../shared/words";
import { daysShown, stepped, useAddress, type Place } from "./address";
import { Empty } from "./empty";
import { DayStrip } from "./day-strip";
import styles from "./grid.module.css";
import { KeysSheet } from "./keys-sheet";
import { MonthGrid } from "./month-grid";
import { MovingBar, type Moving } from "./moving";
import { SlotDialog } from "./slot-dialog";
import { TimeGrid, type Column } from "./time-grid";
import { Toolbar } from "./toolbar";
import { calendarWords } from "./words";

const FIRST_DOCTORS = 5;

export default function CalendarPage() {
  const [{ data }] = useQuery({ query: CalendarDoctorsDocument });
  const doctors = useMemo(() => data?.doctors.edges.map(({ node }) => node) ?? [], [data]);
  if (doctors.length === 0) return null;
  return <Calendar doctors={doctors} />;
}

function Calendar({ doctors }: { doctors: DoctorPartsFragment[] }) {
  const { clinic, viewer } = useKnown();
  const isNarrow = useMediaQuery("(max-width: 48em)", matchMedia("(max-width: 48em)").matches);
  const own = viewer?.doctor?.id;
  const today = dayNow(clinic.timeZone);
  const fallback = useMemo<Place>(
    () => ({
      view: own ? "week" : "day",
      day: today,
      doctorIds: own ? [own] : doctors.slice(0, FIRST_DOCTORS).map(({ id }) => id),
    }),
    [own, today, doctors],
  );
  const [place, go] = useAddress(fallback);
  const chosen = useMemo(() => chosenOf(doctors, place, isNarrow), [doctors, place, isNarrow]);
  const onPage = useCallback((by: 1 | -1) => go({ day: stepped(place, by) }), [go, place]);
  const zone = place.view === "day" ? clinic.timeZone : chosen[0]!.calendar.timeZone;
  const Shown = place.view === "month" ? Month : Days;
  return (
    <div className={styles.page}>
      <Toolbar place={place} today={today} doctors={doctors} isNarrow={isNarrow} onGo={go} />
      <Shown {...{ place, chosen, zone, today, isNarrow, go, onPage }} />
      <KeysSheet />
    </div>
  );
}

interface ShownProps {
  place: Place;
  chosen: DoctorPartsFragment[];
  zone: string;
  today: string;
  isNarrow: boolean;
  go(change: Partial<Place>): void;
  onPage(by: 1 | -1): void;
}

function Days({ place, chosen, zone, today, isNarrow, go, onPage }: ShownProps) {
  const dates = useDates();
  const words = useWords(calendarWords);
  const days = daysShown(place);
  const calendarIds = chosen.map(({ calendar }) => calendar.id);
  const { store, isKnown } = useWatched(CalendarChangesDocument, calendarIds, windowOf(days, zone));
  const [openId, setOpenId] = useState<string | null>(null);
  const [moving, setMoving] = useState<Moving | null>(null);
  useEffect(() => setOpenId(null), [store]);
  const columns = useColumns(place, chosen, days, today, isNarrow);
  const title = place.view === "day" ? dates.wholeDay(place.day) : chosen[0]!.name;
  return (
    <>
      {isNarrow && place.view === "week" && <DayStrip days={days} day={place.day} onGo={(day) => go({ day })} />}
      {moving && <MovingBar moving={moving} zone={zone} onStop={() => setMoving(null)} />}
      {isKnown && <Empty store={store} columns={columns} doctors={chosen} zone={zone} onGo={go} />}
      <div className={styles.scroll} aria-busy={!isKnown}>
        <TimeGrid
          store={store}
          columns={columns}
          zone={zone}
          label={`${words.calendar}: ${title}`}
          corner={dates.zone(zone, startOfDay(place.day, zone))}
          onOpen={setOpenId}
          onPage={onPage}
        />
      </div>
      <SlotDialog
        store={store}
        slotId={openId}
        doctors={chosen}
        zone={zone}
        moving={moving}
        onMove={setMoving}
        onOpen={setOpenId}
        onClose={() => setOpenId(null)}
      />
    </>
  );
}

function Month({ place, chosen, zone, today, go, onPage }: ShownProps) {
  const words = useWords(calendarWords);
  const dates = useDates();
  const days = daysShown(place);
  const doctor = chosen[0]!;
  const { store } = useWatched(MonthChangesDocument, [doctor.calendar.id], windowOf(days, zone));
  const open = useCallback((day: string) => go({ view: "week", day }), [go]);
  return (
    <div className={styles.scroll}>
      <MonthGrid
        store={store}
        calendarId={doctor.calendar.id}
        days={days}
        month={place.day.slice(0, 7)}
        zone={zone}
        today={today}
        label={`${words.calendar}: ${doctor.name}, ${dates.month(place.day)}`}
        onOpen={open}
        onPage={onPage}
      />
    </div>
  );
}

function chosenOf(doctors: DoctorPartsFragment[], place: Place, isNarrow: boolean): DoctorPartsFragment[] {
  const found = place.doctorIds.flatMap((id) => doctors.find((doctor) => doctor.id === id) ?? []);
  const chosen = found.length > 0 ? found : doctors.slice(0, 1);
  return place.view === "day" && !isNarrow ? chosen : chosen.slice(0, 1);
}

function windowOf(days: readonly string[], zone: string) {
  return {
    from: startOfDay(days[0]!, zone).toISOString(),
    to: startOfDay(addDays(days.at(-1)!, 1), zone).toISOString(),
  };
}

/** The columns of a view; the same array until what stands above them changes. */
function useColumns(
  place: Place,
  chosen: DoctorPartsFragment[],
  days: readonly string[],
  today: string,
  isNarrow: boolean,
): Column[] {
  const dates = useDates();
  const shown = (isNarrow ? [place.day] : days).join(" ");
  return useMemo(() => {
    if (place.view === "day") return chosen.map((doctor) => ofDoctor(doctor, place.day));
    const [doctor] = chosen;
    return shown.split(" ").map((day) => ({
      key: day,
      calendarId: doctor!.calendar.id,
      day,
      owner: doctor!.name,
      header: (
        <div className={day === today ? styles.today : undefined}>
          <strong>{dates.dayAndMonth(day)}</strong>
        </div>
      ),
    }));
  }, [place.view, place.day, chosen, shown, today, dates]);
}

function ofDoctor(doctor: DoctorPartsFragment, day: string): Column {
  return {
    key: doctor.id,
    calendarId: doctor.calendar.id,
    day,
    owner: doctor.name,
    header: (
      <>
        <strong>{doctor.name}</strong>
        <small>{[doctor.specialty, doctor.office?.name].filter(Boolean).join(" · ")}</small>
      </>
    ),
  };
}
