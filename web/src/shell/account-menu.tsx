// The menu of whoever looks: profile, language, appearance, signing out.

import { ActionIcon, Button, Menu, useMantineColorScheme, type MantineColorScheme } from "@mantine/core";
import { Link, useLocation } from "wouter";
import { SignOutDocument } from "../gql/graphql";
import { useAct } from "../shared/acts";
import { Icon } from "../shared/icons";
import { chooseLanguage, LANGUAGES, useLanguage, type Language } from "../shared/preferences";
import { session } from "../shared/session";
import { useKnown } from "../shared/viewer";
import { useWords } from "../shared/words";
import { shellWords } from "./words";

const SCHEMES: MantineColorScheme[] = ["light", "dark", "auto"];

export function AccountMenu() {
  const words = useWords(shellWords);
  const { viewer } = useKnown();
  const signOut = useSignOut();
  const [path] = useLocation();
  return (
    <>
      {!viewer && path !== "/sign-in" && (
        <Button flex="none" component={Link} href={`/sign-in?next=${encodeURIComponent(path + location.search)}`} variant="light">
          {words.signIn}
        </Button>
      )}
      <Menu width={240} position="bottom-end" shadow="md">
        <Menu.Target>
          <ActionIcon variant="default" size={44} radius="xl" aria-label={words.account}>
            <Icon name={viewer ? "user" : "key"} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {viewer && <Menu.Label>{viewer.name}</Menu.Label>}
          {viewer && (
            <Menu.Item component={Link} href="/profile">
              {words.profile}
            </Menu.Item>
          )}
          <Choices />
          {viewer && <Menu.Divider />}
          {viewer && <Menu.Item onClick={signOut}>{words.signOut}</Menu.Item>}
        </Menu.Dropdown>
      </Menu>
    </>
  );
}

function Choices() {
  const words = useWords(shellWords);
  const language = useLanguage();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <>
      <Menu.Label>{words.language}</Menu.Label>
      {Object.entries(LANGUAGES).map(([key, name]) => (
        <Menu.Item
          key={key}
          lang={key}
          leftSection={<Mark isOn={key === language} />}
          onClick={() => chooseLanguage(key as Language)}
        >
          {name}
        </Menu.Item>
      ))}
      <Menu.Label>{words.appearance}</Menu.Label>
      {SCHEMES.map((scheme) => (
        <Menu.Item
          key={scheme}
          leftSection={<Mark isOn={scheme === colorScheme} />}
          onClick={() => setColorScheme(scheme)}
        >
          {words[scheme]}
        </Menu.Item>
      ))}
    </>
  );
}

function Mark({ isOn }: { isOn: boolean }) {
  return <Icon name="check" size={16} style={{ visibility: isOn ? "visible" : "hidden" }} />;
}

function useSignOut() {
  const act = useAct(SignOutDocument);
  const [, go] = useLocation();
  return async () => {
    const { isDone, refusal } = await act.run({});
    // Whoever is not signed in any more has got what they asked for.
    if (isDone || refusal?.code === "UNAUTHENTICATED") {
      go("/sign-in");
      session.leave();
    }
  };
}
