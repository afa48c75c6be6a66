"""What values must be like: texts, names, addresses, numbers. A check names the field it refuses.

Pure; whether a value is free, or allowed to the caller, is decided in the domains.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from services.errors import InvalidInput

NAME_LENGTH = 200
LINE_LENGTH = 500
TEXT_LENGTH = 20_000
USERNAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{1,38})[a-z0-9]")
LOCALE = re.compile(r"[a-z]{2,3}(?:-[A-Z]{2})?")
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# Line breaks and tabs may stand in a text of several lines.
TEXT_CONTROLS = "\n\r\t"


def text(value: str, field: str, *, longest: int = TEXT_LENGTH, allowed: str = "") -> str:
    """`value` in Unicode's composed form, without surrounding space.

    Raises:
        InvalidInput: it is empty, too long, or holds control characters or lone surrogates.

    """
    if len(value) > longest:
        raise InvalidInput(f"At most {longest} characters are allowed.", field)
    if any(unicodedata.category(c) in {"Cc", "Cs"} and c not in allowed for c in value):
        raise InvalidInput("Control characters are not allowed.", field)
    value = unicodedata.normalize("NFC", value).strip()
    if not value:
        raise InvalidInput("This must not be empty.", field)
    return value


def name(value: str, field: str = "name") -> str:
    """A name: one line of at most 200 characters."""
    return text(value, field, longest=NAME_LENGTH)


def optional_line(value: str | None, field: str) -> str | None:
    """One line of at most 500 characters; nothing in it is nothing."""
    return text(value, field, longest=LINE_LENGTH) if value and value.strip() else None


def optional_text(value: str | None, field: str) -> str | None:
    """A text of several lines, at most 20,000 characters; nothing in it is nothing."""
    return text(value, field, allowed=TEXT_CONTROLS) if value and value.strip() else None


def email(value: str, field: str = "email") -> str:
    """An e-mail address, in the form in which it is kept: normalized, in lower case."""
    try:
        checked = validate_email(value, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise InvalidInput(f"This is not an e-mail address: {error}", field) from error
    return checked.normalized.lower()


def username(value: str, field: str = "username") -> str:
    """A username of 3 to 40 letters, digits, dots, dashes and underscores, in lower case."""
    value = value.strip().lower()
    if not USERNAME.fullmatch(value):
        raise InvalidInput(
            "A username has 3 to 40 letters a-z, digits, dots, dashes or underscores, "
            "and begins and ends with a letter or digit.",
            field,
        )
    return value


def phone(value: str | None, locale: str, field: str = "phone") -> str | None:
    """A telephone number in E.164; without a country code it is one of the locale's country."""
    if not value or not value.strip():
        return None
    try:
        number = phonenumbers.parse(value, locale.partition("-")[2] or None)
    except phonenumbers.NumberParseException as error:
        raise InvalidInput(
            "This is not a telephone number; begin with + and the country code.", field
        ) from error
    if not phonenumbers.is_possible_number(number):
        raise InvalidInput("A telephone number of this length does not exist.", field)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def time_zone(value: str, field: str = "time_zone") -> str:
    """The name of a zone of the IANA database."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInput("This is not a time zone such as Europe/Madrid.", field) from error
    return value


def locale(value: str, field: str = "locale") -> str:
    """A language and, where it matters, a country: en, es-MX."""
    if not LOCALE.fullmatch(value):
        raise InvalidInput("This is not a locale such as en or es-MX.", field)
    return value


def slug(value: str, field: str = "slug") -> str:
    """A short name for addresses: lower-case letters, digits and dashes, at most 63."""
    if not SLUG.fullmatch(value):
        raise InvalidInput("Use lower-case letters, digits and dashes.", field)
    return value


def languages(values: Sequence[str], field: str = "languages") -> list[str]:
    """Languages as locales, each once, in the order given."""
    if len(values) > 20:
        raise InvalidInput("At most 20 languages are allowed.", field)
    return list(dict.fromkeys(locale(value, field) for value in values))


def between(value: int, lowest: int, highest: int, *path: str) -> int:
    """A whole number from `lowest` to `highest`."""
    if not lowest <= value <= highest:
        raise InvalidInput(f"This must be from {lowest} to {highest}.", *path)
    return value


def in_order(starts_at: datetime, ends_at: datetime, start: str, end: str) -> None:
    """Refuse a time range that ends before, or when, it begins."""
    if ends_at <= starts_at:
        raise InvalidInput("This must be after the start.", end)
    if ends_at.year > 2200 or starts_at.year < 1900:
        raise InvalidInput("This is too far away.", start)


def idempotency_key(value: str, field: str = "idempotency_key") -> str:
    """A client's key: 16 to 255 characters."""
    if not 16 <= len(value) <= 255:
        raise InvalidInput("A key has 16 to 255 characters.", field)
    return text(value, field)


def escaped_like(search: str) -> str:
    """`search` as a pattern for ILIKE that finds it anywhere, its wildcards taken literally.

    In the composed form, in which texts are kept.
    """
    escaped = unicodedata.normalize("NFC", search)
    escaped = escaped.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def distinct(ids: Sequence[UUID]) -> list[UUID]:
    """Each id once, in the order given."""
    return list(dict.fromkeys(ids))
