// Confirming the address of a new account, which signs in with it. A click does it and not the opening
// of the page: programs that look through mails open every link.

import { ConfirmEmailDocument } from "../gql/graphql";
import { useAct, useForm } from "../shared/acts";
import { useWords } from "../shared/words";
import { useEnter } from "./entering";
import { FormSheet, mailedSecret } from "./form";
import { accountWords } from "./words";

export default function ConfirmEmail() {
  const words = useWords(accountWords);
  const enter = useEnter();
  const form = useForm(useAct(ConfirmEmailDocument), ({ session }) => enter(session));
  return (
    <FormSheet
      title={words.acceptTitle}
      hint={words.confirmHint}
      button={words.confirm}
      problem={form.problem([])}
      isRunning={form.isRunning}
      onSubmit={() => void form.submit({ token: mailedSecret() })}
    >
      {null}
    </FormSheet>
  );
}
