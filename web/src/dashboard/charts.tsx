// Numbers of some days as tables, in which a bar repeats each number.

import type { ReportQuery } from "../gql/graphql";
import { useDates } from "../shared/dates";
import { useWords } from "../shared/words";
import { Bar } from "./bar";
import styles from "./dashboard.module.css";
import { dashboardWords } from "./words";

type Statistics = ReportQuery["statistics"];

export function ByDay({ days }: { days: Statistics["appointmentsByDay"] }) {
  const words = useWords(dashboardWords);
  const dates = useDates();
  const sum = ({ booked, completed, cancelled, noShow }: (typeof days)[number]) => booked + completed + cancelled + noShow;
  const most = Math.max(1, ...days.map(sum));
  return (
    <table className={styles.chart}>
      <caption>{words.byDay}</caption>
      <thead>
        <tr>
          <th scope="col">{words.day}</th>
          <th scope="col" className={styles.number}>{words.all}</th>
          {(["booked", "completed", "noShow", "cancelled"] as const).map((name) => (
            <th key={name} scope="col" className={`${styles.number} ${styles.more}`}>{words[name]}</th>
          ))}
          <td className={styles.wide} />
        </tr>
      </thead>
      <tbody>
        {days.map((one) => (
          <tr key={one.date}>
            <th scope="row">{dates.dayAndMonth(one.date)}</th>
            <td className={styles.number}>{sum(one)}</td>
            {[one.booked, one.completed, one.noShow, one.cancelled].map((count, index) => (
              <td key={index} className={`${styles.number} ${styles.more}`}>{count}</td>
            ))}
            <td className={styles.wide}><Bar share={sum(one) / most} /></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function ByStatus({ statuses }: { statuses: Statistics["appointmentsByStatus"] }) {
  const words = useWords(dashboardWords);
  const most = Math.max(1, ...statuses.map(({ count }) => count));
  return (
    <table className={styles.chart}>
      <caption>{words.byStatus}</caption>
      <thead>
        <tr>
          <th scope="col">{words.status}</th>
          <th scope="col" className={styles.number}>{words.all}</th>
          <td className={styles.wide} />
        </tr>
      </thead>
      <tbody>
        {statuses.map(({ status, count }) => (
          <tr key={status}>
            <th scope="row">{words[status]}</th>
            <td className={styles.number}>{count}</td>
            <td className={styles.wide}><Bar share={count / most} /></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function ByDoctor({ doctors }: { doctors: Statistics["byDoctor"] }) {
  const words = useWords(dashboardWords);
  const hours = (minutes: number) => String(Math.round(minutes / 60));
  return (
    <table className={styles.chart}>
      <caption>{words.byDoctor}</caption>
      <thead>
        <tr>
          <th scope="col">{words.doctor}</th>
          <th scope="col" className={styles.more}>{words.taken}</th>
          <th scope="col" className={styles.number}>{words.share}</th>
          <td className={styles.wide} />
        </tr>
      </thead>
      <tbody>
        {doctors.map(({ doctor, bookedMinutes, openMinutes, utilization }) => (
          <tr key={doctor.id}>
            <th scope="row" className={styles.long}>{doctor.name}</th>
            <td className={styles.more}>{words.ofHours(hours(bookedMinutes), hours(openMinutes))}</td>
            <td className={styles.number}>{percent(utilization)}</td>
            <td className={styles.wide}><Bar share={utilization} /></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
