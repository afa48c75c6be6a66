"""Secrets of accounts: access tokens (JWT), refresh tokens and mailed tokens (random, hashed).

Pure apart from randomness; what a token opens is decided in `sessions` and `users`.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import jwt

from services.config import Config
from services.errors import NotSignedIn

ISSUER = "appointment-server"
AUDIENCE = "graphql"
ALGORITHM = "HS256"
# RFC 9068: says what kind of token this is, so that no other can be passed off as one.
TYPE = "at+jwt"
CLAIMS = ["exp", "iat", "nbf", "iss", "aud", "sub", "jti", "org", "sid"]
LONGEST_TOKEN = 4096


@dataclass(frozen=True)
class AccessClaims:
    """What an access token says."""

    user_id: UUID
    organization_id: UUID
    sign_in_id: UUID
    expires_at: datetime


def access_token(
    config: Config, now: datetime, *, user_id: UUID, organization_id: UUID, sign_in_id: UUID
) -> tuple[str, datetime]:
    """A signed access token, and when it ends."""
    expires_at = (now + timedelta(minutes=config.access_token_minutes)).replace(microsecond=0)
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(user_id),
        "org": str(organization_id),
        "sid": str(sign_in_id),
        "jti": str(uuid4()),
        "iat": now,
        "nbf": now,
        "exp": expires_at,
    }
    token = jwt.encode(claims, config.secret_key, algorithm=ALGORITHM, headers={"typ": TYPE})
    return token, expires_at


def read_access_token(config: Config, token: str) -> AccessClaims:
    """What a valid access token says.

    Raises:
        NotSignedIn: it is forged, expired, of another kind, or no token at all.

    """
    try:
        if len(token) > LONGEST_TOKEN or jwt.get_unverified_header(token).get("typ") != TYPE:
            raise NotSignedIn
        claims = jwt.decode(
            token,
            config.secret_key,
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            options={"require": CLAIMS},
        )
        return AccessClaims(
            user_id=UUID(claims["sub"]),
            organization_id=UUID(claims["org"]),
            sign_in_id=UUID(claims["sid"]),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        )
    except (jwt.PyJWTError, ValueError, OverflowError, TypeError, AttributeError) as error:
        raise NotSignedIn from error


def new_secret() -> str:
    """A random token of 256 bits."""
    return secrets.token_urlsafe(32)


def hashed(secret: str) -> bytes:
    """What is kept of a random token; it needs no salt, being random."""
    return hashlib.sha256(secret.encode()).digest()


def mailed_secret(config: Config, id: UUID) -> str:
    """The secret that is sent in the message with this id.

    It is made anew whenever it is needed, so that nowhere it has to be kept until it is sent.
    """
    return _derived(config, b"mailed secret", id.bytes)


def manage_token(config: Config, appointment_id: UUID) -> str:
    """The secret by which a guest manages a booking, the same in every mail about it."""
    return _derived(config, b"guest booking", appointment_id.bytes)


def successor(config: Config, refresh_token: str) -> str:
    """The refresh token that follows upon one: always the same, so that whoever refreshes twice at
    once can be told it twice although only its hash is kept.
    """
    return _derived(config, b"refresh token", refresh_token.encode())


def _derived(config: Config, purpose: bytes, value: bytes) -> str:
    """256 bits that nobody can tell without the secret key; each purpose has a key of its own."""
    key = hmac.digest(config.secret_key.encode(), purpose, "sha256")
    secret = hmac.digest(key, value, "sha256")
    return base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
