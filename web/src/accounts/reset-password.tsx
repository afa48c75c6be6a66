// Choosing a new password by the link of a mail.

import { PasswordInput } from "@mantine/core";
import { useState } from "react";
import { ResetPasswordDocument } from "../gql/graphql";
import { useAct, useForm } from "../shared/acts";
import { useWords } from "../shared/words";
import { Done, FormSheet, mailedSecret } from "./form";
import { accountWords } from "./words";

export default function ResetPassword() {
  const words = useWords(accountWords);
  const [isDone, setIsDone] = useState(false);
  const form = useForm(useAct(ResetPasswordDocument), () => setIsDone(true));
  if (isDone) {
    return <Done title={words.resetDone} hint={words.resetDoneHint} to="/sign-in" button={words.signIn} />;
  }
  return (
    <FormSheet
      title={words.resetTitle}
      button={words.save}
      problem={form.problem(["password"])}
      isRunning={form.isRunning}
      onSubmit={({ password = "" }) => void form.submit({ token: mailedSecret(), password })}
    >
      <PasswordInput
        name="password"
        label={words.newPassword}
        description={words.passwordHint}
        autoComplete="new-password"
        minLength={15}
        required
        error={form.errorOf("password")}
      />
    </FormSheet>
  );
}
