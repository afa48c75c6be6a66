"""Lists of accounts, sign-ins, mails and of what was noted hold what is the clinic's, or one's own,
and no filter or search tells of more."""

from typing import Any
from uuid import uuid4

from models import Role
from services.accounts import tokens
from tests.access.realm import PLAYERS, Realm
from tests.access.voices import Voice

PAGE = "totalCount edges { node { id } }"
USERS = f"""
query ($search: String, $inactive: Boolean) {{
  list: users(search: $search, includeInactive: $inactive) {{ {PAGE} }} }}"""
MAILS = f"query ($first: Int) {{ list: notifications(first: $first) {{ {PAGE} }} }}"
EVENTS = f"""
query ($subject: ID, $actor: ID) {{
  list: auditEvents(subjectId: $subject, actorId: $actor) {{ {PAGE} }} }}"""
SIGN_INS = "{ signIns { id isCurrent } }"


def administrators(voices: list[Voice]) -> list[Voice]:
    """That of the clinic, and that of the other organization."""
    return [voice for voice in voices if voice.role is Role.ADMIN]


def ids(page: dict[str, Any]) -> set[str]:
    found = {edge["node"]["id"] for edge in page["edges"]}
    assert len(found) == page["totalCount"]
    return found


def rows(realm: Realm, kind: str) -> set[str]:
    return {realm.id(name) for name in realm.rows if name.startswith(f"{kind}.")}


async def listed(voice: Voice, document: str, **variables: Any) -> set[str]:
    answer = await voice.ask(document, **variables)
    return ids(answer.body["data"]["list"])


async def test_accounts_are_those_of_the_organization(
    voices: list[Voice], home: Realm, abroad: Realm
) -> None:
    for voice in administrators(voices):
        own, strange = (home, abroad) if voice.is_home else (abroad, home)
        gone = {own.id(f"user.{role}.gone") for role in ("doctor", "patient")}
        assert await listed(voice, USERS, inactive=True) == rows(own, "user")
        assert await listed(voice, USERS) == rows(own, "user") - gone
        for name in ("user.admin", "user.patient.mine"):
            known, hidden = own.rows[name], strange.rows[name]
            assert await listed(voice, USERS, search=known.email) == {own.id(name)}
            for sought in (hidden.name, hidden.email, hidden.username):
                assert await listed(voice, USERS, search=sought) == set()
        # What hangs on an account is no way to it.
        assert await listed(voice, USERS, search=own.rows["patient.mine"].notes) == set()


async def test_mails_are_those_of_the_organization(
    voices: list[Voice], home: Realm, abroad: Realm
) -> None:
    for voice in administrators(voices):
        own = home if voice.is_home else abroad
        assert await listed(voice, MAILS) == rows(own, "notification")
        answer = await voice.ask(MAILS, first=1)
        assert answer.body["data"]["list"]["totalCount"] == len(rows(own, "notification"))


async def test_what_was_noted_of_strangers_is_as_if_nothing_was(
    voices: list[Voice], home: Realm, abroad: Realm
) -> None:
    """Neither by whom nor of what: not even that there is such a person."""
    for voice in administrators(voices):
        own, strange = (home, abroad) if voice.is_home else (abroad, home)
        nobody = f"user_{uuid4().hex}"
        for key in ("actor", "subject"):
            found = await listed(voice, EVENTS, **{key: own.id("user.patient.theirs")})
            assert own.id("audit_event.theirs") in found
            hidden = await voice.ask(EVENTS, **{key: strange.id("user.patient.theirs")})
            assert hidden.shape == (await voice.ask(EVENTS, **{key: nobody})).shape
            assert ids(hidden.body["data"]["list"]) == set()


async def test_sign_ins_are_ones_own(voices: list[Voice], home: Realm, abroad: Realm) -> None:
    for voice in (v for v in voices if v.role):
        own = home if voice.is_home else abroad
        assert voice.role is not None
        claims = tokens.read_access_token(own.factory.config, own.tokens[voice.role])
        here = {"id": f"sign_in_{claims.sign_in_id.hex}", "isCurrent": True}
        there = {"id": own.id(f"sign_in.{PLAYERS[voice.role]}"), "isCurrent": False}
        answer = await voice.ask(SIGN_INS)
        found = sorted(answer.body["data"]["signIns"], key=lambda one: one["isCurrent"])
        assert found == [there, here], str(voice)
