"""Passwords: which are good enough, and how they are kept."""

from collections.abc import Iterator

import pytest

from services.passwords import HASHING, Passwords, is_strong

GOOD = "seven quiet herons on a pier"


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    passwords = Passwords()
    yield passwords
    passwords.close()


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "seven quiet her",
        "mZ7!qP0$vK2@xW9",
        "garza tranquila en el muelle",
        "седьмая тихая цапля",
        f"{GOOD} " * 9,
    ],
)
def test_long_and_unusual_passwords_are_strong(password: str) -> None:
    assert is_strong(password, [])


@pytest.mark.parametrize(
    "password",
    [
        "",
        "seven quiet he",
        "mZ7!qP0$vK2@xW",
        "passwordpassword",
        "aaaaaaaaaaaaaaaaaaaaaaaa",
        "123456789012345678",
        "qwertyuiopasdfgh",
        "qwertyqwertyqwertyqwerty",
    ],
)
def test_short_and_usual_passwords_are_weak(password: str) -> None:
    assert not is_strong(password, [])


@pytest.mark.parametrize("personal", ["Quillfeather-Ombrosky", "quillfeather-ombrosky"])
def test_what_everybody_knows_about_somebody_does_not_make_a_password(personal: str) -> None:
    assert is_strong("quillfeather-ombrosky", [])
    assert not is_strong("quillfeather-ombrosky", [personal])


async def test_a_password_is_kept_as_argon2id_and_known_again(passwords: Passwords) -> None:
    kept = await passwords.hashed(GOOD)
    assert kept.startswith("$argon2id$v=19$m=47104,t=1,p=1$")
    assert await passwords.matches(GOOD, kept)
    assert not await passwords.matches(GOOD.upper(), kept)
    assert not await passwords.matches("", kept)


async def test_the_same_password_is_never_kept_in_the_same_way(passwords: Passwords) -> None:
    assert await passwords.hashed(GOOD) != await passwords.hashed(GOOD)


async def test_the_whole_of_a_long_password_counts(passwords: Passwords) -> None:
    long = "ä" * 255
    kept = await passwords.hashed(f"{long}b")
    assert await passwords.matches(f"{long}b", kept)
    assert not await passwords.matches(f"{long}c", kept)


async def test_where_there_is_no_password_nothing_matches(passwords: Passwords) -> None:
    for password in ("", GOOD, "None"):
        assert not await passwords.matches(password, None)


@pytest.mark.parametrize("length", [257, 5000, 100_000])
async def test_a_password_that_is_too_long_to_be_one_matches_nothing(
    passwords: Passwords, length: int
) -> None:
    assert not await passwords.matches("x" * length, HASHING.hash(GOOD))


def test_a_password_made_to_take_long_to_judge_is_judged_at_once() -> None:
    # Judged like others it takes minutes, and the test is ended.
    assert is_strong("4@8({[</369!1|0$5+7%2" * 12, [])
    assert not is_strong("$@!{$@!{" * 30 + "+", [])
