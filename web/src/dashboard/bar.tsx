// A bar inside of a cell: it repeats the number beside it for the eye.

import styles from "./dashboard.module.css";

/** `share` from 0 to 1. */
export function Bar({ share }: { share: number }) {
  return (
    <svg className={styles.bar} viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden>
      <rect width={Math.min(1, Math.max(0, share)) * 100} height={10} />
    </svg>
  );
}
