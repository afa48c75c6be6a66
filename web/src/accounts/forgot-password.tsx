// Asking for a link by which a new password is chosen.

import { TextInput } from "@mantine/core";
import { useState } from "react";
import { RequestPasswordResetDocument } from "../gql/graphql";
import { useAct, useForm } from "../shared/acts";
import { useWords } from "../shared/words";
import { Done, FormSheet } from "./form";
import { accountWords } from "./words";

export default function ForgotPassword() {
  const words = useWords(accountWords);
  const [isSent, setIsSent] = useState(false);
  const form = useForm(useAct(RequestPasswordResetDocument), () => setIsSent(true));
  if (isSent) return <Done title={words.checkMail} hint={words.checkMailReset} />;
  return (
    <FormSheet
      title={words.forgotTitle}
      hint={words.forgotHint}
      button={words.sendLink}
      problem={form.problem(["email"])}
      isRunning={form.isRunning}
      onSubmit={({ email = "" }) => void form.submit({ email })}
    >
      <TextInput name="email" label={words.email} type="email" autoComplete="email" required error={form.errorOf("email")} />
    </FormSheet>
  );
}
