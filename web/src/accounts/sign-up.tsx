// Making a patient's account.

import { Anchor, PasswordInput, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { Link } from "wouter";
import { SignUpDocument } from "../gql/graphql";
import { useAct, useForm } from "../shared/acts";
import { useLanguage } from "../shared/preferences";
import { ownZone } from "../shared/time";
import { useWords } from "../shared/words";
import { useEnter } from "./entering";
import { Done, FormSheet, type Values } from "./form";
import { accountWords } from "./words";

const FIELDS = ["name", "email", "phone", "password"];

export default function SignUp() {
  const words = useWords(accountWords);
  const locale = useLanguage();
  const enter = useEnter();
  const [mustConfirm, setMustConfirm] = useState(false);
  const form = useForm(useAct(SignUpDocument), ({ session }) =>
    session ? enter(session) : setMustConfirm(true),
  );
  const submit = ({ name = "", email = "", phone, password = "" }: Values) =>
    void form.submit({ name, email, password, phone: phone || null, locale, timeZone: ownZone() });
  if (mustConfirm) return <Done title={words.checkMail} hint={words.checkMailSignUp} />;
  return (
    <FormSheet
      title={words.signUp}
      hint={words.signUpHint}
      button={words.signUp}
      problem={form.problem(FIELDS)}
      isRunning={form.isRunning}
      onSubmit={submit}
      footer={
        <Text>
          {words.haveAccount} <Anchor component={Link} href={`/sign-in${location.search}`}>{words.signIn}</Anchor>
        </Text>
      }
    >
      <TextInput name="name" label={words.name} autoComplete="name" required error={form.errorOf("name")} />
      <TextInput name="email" label={words.email} type="email" autoComplete="email" required error={form.errorOf("email")} />
      <TextInput name="phone" label={words.phone} type="tel" autoComplete="tel" error={form.errorOf("phone")} />
      <PasswordInput
        name="password"
        label={words.password}
        description={words.passwordHint}
        autoComplete="new-password"
        minLength={15}
        required
        error={form.errorOf("password")}
      />
    </FormSheet>
  );
}
