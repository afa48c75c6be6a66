"""Passwords: hashed off the event loop, and judged by how hard they are to guess.

Where a password is asked for and what follows from it is the business of `accounts`.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from passlib.context import CryptContext
from zxcvbn import zxcvbn

T = TypeVar("T")

# OWASP's parameters for argon2id: 46 MiB, one pass, one lane.
HASHING = CryptContext(
    schemes=["argon2"],
    argon2__type="ID",
    argon2__memory_cost=47104,
    argon2__time_cost=1,
    argon2__parallelism=1,
)
# NIST SP 800-63B-4: fifteen characters where the password is the only factor.
SHORTEST = 15
LONGEST = 256
# zxcvbn's time grows with the length, and beyond measure with the number of signs that may
# stand for letters: a password with many of them is judged by how many different ones it has.
JUDGED = 40
STANDING_FOR_LETTERS = frozenset("@({[<!|$+%")
MOST_STANDING_FOR_LETTERS = 4
DIFFERENT_ENOUGH = 10
GOOD_SCORE = 3


class Passwords:
    """Hashes and checks passwords in two threads of its own: a hash takes 46 MiB and 0.1 s."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="passwords")

    async def hashed(self, password: str) -> str:
        """The argon2id hash of `password`."""
        return await self._apart(HASHING.hash, password)

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether the password has the hash; takes as long when there is no hash.

        A longer password than is ever accepted has none: passlib would refuse to look at it.
        """
        if password_hash is None or len(password) > LONGEST:
            await self._apart(HASHING.dummy_verify)
            return False
        return await self._apart(HASHING.verify, password, password_hash)

    async def are_strong(self, password: str, personal: Sequence[str]) -> bool:
        """`is_strong`, off the event loop."""
        return await self._apart(is_strong, password, personal)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(cancel_futures=True)

    async def _apart(self, function: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *args)


def is_strong(password: str, personal: Sequence[str]) -> bool:
    """Whether the password is long enough and not easily guessed, knowing `personal` words."""
    if len(password) < SHORTEST:
        return False
    judged = password[:JUDGED]
    if len(STANDING_FOR_LETTERS.intersection(judged)) > MOST_STANDING_FOR_LETTERS:
        return len(set(judged)) >= DIFFERENT_ENOUGH
    judgement = zxcvbn(judged, user_inputs=list(personal), max_length=JUDGED)
    return bool(judgement["score"] >= GOOD_SCORE)
