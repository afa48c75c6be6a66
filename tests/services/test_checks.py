"""What values must be like, and that a refusal names the field."""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services import checks
from services.errors import InvalidInput

unhurried = settings(deadline=None)
CHECKS: dict[str, Callable[[str, str], Any]] = {
    "text": checks.text,
    "name": checks.name,
    "optional_line": checks.optional_line,
    "optional_text": checks.optional_text,
    "email": checks.email,
    "username": checks.username,
    "phone": lambda value, field: checks.phone(value, "en-GB", field),
    "time_zone": checks.time_zone,
    "locale": checks.locale,
    "slug": checks.slug,
    "languages": lambda value, field: checks.languages([value], field),
    "idempotency_key": checks.idempotency_key,
}
GOOD = [
    ("text", " a ", "a"),
    ("text", "x" * 20_000, "x" * 20_000),
    ("text", "Nun\u0303ez", "Nu\u00f1ez"),
    ("name", "x" * 200, "x" * 200),
    ("name", " Dr. Ana O'Neill-Żak 王 ", "Dr. Ana O'Neill-Żak 王"),
    ("optional_line", "  ", None),
    ("optional_line", "", None),
    ("optional_line", "x" * 500, "x" * 500),
    ("optional_text", "\n", None),
    ("optional_text", " one\r\n\ttwo ", "one\r\n\ttwo"),
    ("email", "Ana.López@Mail.EXAMPLE", "ana.lópez@mail.example"),
    ("email", "a+b@clinic.example", "a+b@clinic.example"),
    ("email", "ana@b\u00fccher.example", "ana@bücher.example"),
    ("username", " Ana.B-c_1 ", "ana.b-c_1"),
    ("username", "abc", "abc"),
    ("username", "x" * 40, "x" * 40),
    ("phone", "", None),
    ("phone", "020 7946 0018", "+442079460018"),
    ("phone", "+34 600 00 00 00", "+34600000000"),
    ("time_zone", "Europe/Madrid", "Europe/Madrid"),
    ("time_zone", "UTC", "UTC"),
    ("locale", "es-MX", "es-MX"),
    ("locale", "fil", "fil"),
    ("slug", "a", "a"),
    ("slug", "river-side-2", "river-side-2"),
    ("slug", "x" * 63, "x" * 63),
    ("languages", "es", ["es"]),
    ("idempotency_key", "x" * 16, "x" * 16),
    ("idempotency_key", "x" * 255, "x" * 255),
]
BAD = [
    *[(name, "a\0b") for name in CHECKS],
    *[(name, "a\ud800b") for name in CHECKS if name != "phone"],
    ("text", " "),
    ("text", ""),
    ("text", "one\ntwo"),
    ("text", "x" * 20_001),
    ("name", "\t"),
    ("name", "x" * 201),
    ("name", "bell\a"),
    ("optional_line", "one\ntwo"),
    ("optional_line", "x" * 501),
    ("optional_text", "x" * 20_001),
    ("optional_text", "bell\a"),
    ("email", ""),
    ("email", "ana"),
    ("email", "ana@"),
    ("email", "ana@mail"),
    ("email", "ana @mail.example"),
    ("email", "Ana <ana@mail.example>"),
    ("email", "ana@mail.example\n"),
    ("email", f"{'x' * 300}@mail.example"),
    ("username", "ab"),
    ("username", "x" * 41),
    ("username", "ana@mail"),
    ("username", "-ana"),
    ("username", "ana."),
    ("username", "aña"),
    ("phone", "12"),
    ("phone", "call me"),
    ("phone", "+999 1234567"),
    ("phone", "9" * 300),
    ("time_zone", ""),
    ("time_zone", "Europe"),
    ("time_zone", "Europe/Atlantis"),
    ("time_zone", "../../etc/passwd"),
    ("time_zone", "/etc/localtime"),
    ("locale", ""),
    ("locale", "english"),
    ("locale", "es_MX"),
    ("locale", "es-mx"),
    ("locale", "es\n"),
    ("slug", ""),
    ("slug", "-a"),
    ("slug", "a-"),
    ("slug", "A"),
    ("slug", "x" * 64),
    ("languages", "Spanish"),
    ("idempotency_key", "x" * 15),
    ("idempotency_key", "x" * 256),
    ("idempotency_key", " " * 16),
]


def refused_path(check: Callable[[], Any]) -> tuple[str | int, ...]:
    with pytest.raises(InvalidInput) as refusal:
        check()
    return refusal.value.path


@pytest.mark.parametrize(("name", "value", "kept"), GOOD)
def test_a_good_value_is_kept_in_its_normal_form(name: str, value: str, kept: Any) -> None:
    assert CHECKS[name](value, "field") == kept


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_value_is_refused_where_it_stands(name: str, value: str) -> None:
    assert refused_path(lambda: CHECKS[name](value, "field")) == ("field",)


@pytest.mark.parametrize("check", [checks.optional_line, checks.optional_text])
def test_nothing_is_nothing(check: Callable[[str | None, str], str | None]) -> None:
    assert check(None, "field") is None


@unhurried
@given(st.text())
def test_a_text_that_is_kept_once_is_kept_unchanged_ever_after(value: str) -> None:
    try:
        kept = checks.text(value, "field")
    except InvalidInput:
        return
    assert checks.text(kept, "field") == kept == kept.strip()
    assert unicodedata.is_normalized("NFC", kept)
    kept.encode()


@unhurried
@given(st.text(), st.sampled_from(sorted(CHECKS)))
def test_any_text_is_either_kept_or_refused(value: str, name: str) -> None:
    path: tuple[str | int, ...] = ("field",)
    try:
        CHECKS[name](value, "field")
    except InvalidInput as refusal:
        path = refusal.path
    assert path == ("field",)


@unhurried
@given(st.from_regex(r"[A-Za-z0-9._-]{1,45}", fullmatch=True))
def test_a_username_is_never_an_address(value: str) -> None:
    try:
        kept = checks.username(value)
    except InvalidInput:
        return
    assert re.fullmatch(r"[a-z0-9._-]{3,40}", kept)
    assert kept[0].isalnum()
    assert kept[-1].isalnum()


@pytest.mark.parametrize("locale", ["en-GB", "en-US", "es", "en-ZZ"])
def test_an_international_number_is_the_same_everywhere(locale: str) -> None:
    assert checks.phone("+44 20 7946 0018", locale) == "+442079460018"


def test_a_number_without_a_country_is_one_of_the_locale() -> None:
    assert checks.phone("600 000 000", "es-ES") == "+34600000000"
    assert refused_path(lambda: checks.phone("600 000 000", "es")) == ("phone",)
    assert checks.phone(None, "es") is None


def test_languages_are_kept_once_each_in_their_order() -> None:
    assert checks.languages(["es", "en", "es", "ca"]) == ["es", "en", "ca"]
    assert checks.languages([]) == []
    codes = [f"{first}{second}" for first in "abc" for second in "abcdefg"]
    assert checks.languages(codes[:20]) == codes[:20]
    assert refused_path(lambda: checks.languages(codes)) == ("languages",)


@unhurried
@given(st.integers(), st.integers(-5, 5), st.integers(-5, 5))
def test_a_number_stands_between_its_bounds(value: int, lowest: int, highest: int) -> None:
    if lowest <= value <= highest:
        assert checks.between(value, lowest, highest, "policy", "months") == value
    else:
        path = refused_path(lambda: checks.between(value, lowest, highest, "policy", "months"))
        assert path == ("policy", "months")


def test_a_range_ends_after_it_begins_and_in_our_time() -> None:
    noon = datetime(2027, 3, 28, 12, tzinfo=UTC)
    instant = timedelta(microseconds=1)
    checks.in_order(noon, noon + instant, "from", "to")
    for end in (noon, noon - instant):
        assert refused_path(lambda end=end: checks.in_order(noon, end, "from", "to")) == ("to",)
    early, late = datetime(1899, 12, 31, tzinfo=UTC), datetime(2201, 1, 1, tzinfo=UTC)
    for start, end in ((early, noon), (noon, late)):
        path = refused_path(lambda s=start, e=end: checks.in_order(s, e, "from", "to"))
        assert path == ("from",)


def like(pattern: str, text: str) -> bool:
    """What the database finds with a pattern of LIKE."""
    expression = ""
    letters = iter(pattern)
    for letter in letters:
        expression += {"%": ".*", "_": "."}.get(letter) or re.escape(
            next(letters) if letter == "\\" else letter
        )
    return re.fullmatch(expression, text, re.DOTALL) is not None


@unhurried
@given(st.text(r"%_\a"), st.text(r"%_\ab"))
def test_what_is_searched_is_found_wherever_it_stands_and_nothing_else(
    search: str, text: str
) -> None:
    assert like(checks.escaped_like(search), text) == (search in text)


@unhurried
@given(st.lists(st.integers(0, 5).map(lambda n: UUID(int=n))))
def test_each_id_is_kept_once_in_the_order_given(ids: list[UUID]) -> None:
    kept = checks.distinct(ids)
    assert len(set(kept)) == len(kept)
    assert set(kept) == set(ids)
    assert sorted(kept, key=ids.index) == kept
