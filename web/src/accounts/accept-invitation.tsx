// The first password of somebody who was invited.

import { PasswordInput } from "@mantine/core";
import { AcceptInvitationDocument } from "../gql/graphql";
import { useAct, useForm } from "../shared/acts";
import { useWords } from "../shared/words";
import { useEnter } from "./entering";
import { FormSheet, mailedSecret } from "./form";
import { accountWords } from "./words";

export default function AcceptInvitation() {
  const words = useWords(accountWords);
  const enter = useEnter();
  const form = useForm(useAct(AcceptInvitationDocument), ({ session }) => enter(session));
  return (
    <FormSheet
      title={words.acceptTitle}
      hint={words.acceptHint}
      button={words.begin}
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
