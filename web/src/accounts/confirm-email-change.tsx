// Confirming a new address, where one is signed in.

import { useState } from "react";
import { ConfirmEmailChangeDocument } from "../gql/graphql";
import { useAct, useForm } from "../shared/acts";
import { useWords } from "../shared/words";
import { Done, FormSheet, mailedSecret } from "./form";
import { accountWords } from "./words";

export default function ConfirmEmailChange() {
  const words = useWords(accountWords);
  const [isDone, setIsDone] = useState(false);
  const form = useForm(useAct(ConfirmEmailChangeDocument), () => setIsDone(true));
  if (isDone) {
    return <Done title={words.confirmed} hint={words.confirmedHint} to="/" button={words.toStart} />;
  }
  return (
    <FormSheet
      title={words.confirmChange}
      hint={words.confirmedHint}
      button={words.confirm}
      problem={form.problem([])}
      isRunning={form.isRunning}
      onSubmit={() => void form.submit({ token: mailedSecret() })}
    >
      {null}
    </FormSheet>
  );
}
