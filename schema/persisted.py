"""Documents that are asked for by their hash: remembered by this process (Apollo's automatic
persisted queries), or registered by the clinic, and then no others are accepted.

Whether a document is let in is the business of `documents`, however it came.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from graphql import GraphQLError

from schema.errors import rejected
from schema.limits import LONGEST

MOST_CHARACTERS = 2 * 1024 * 1024


class NotKnown(GraphQLError):
    """A hash that stands for no document, in the words by which clients know to send it."""

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotFound", extensions={"code": "PERSISTED_QUERY_NOT_FOUND"})


class Persisted:
    """The documents that have a hash."""

    def __init__(self, registered: Mapping[str, str] | None = None) -> None:
        self._registered = registered
        self._texts = frozenset((registered or {}).values())
        self._remembered: OrderedDict[str, str] = OrderedDict()
        self._characters = 0

    def text(self, query: str | None, extensions: Mapping[str, Any] | None) -> str | None:
        """The document of a request, which may have sent its hash instead.

        Raises:
            GraphQLError: it is not known, or not registered, or the hash is another document's.

        """
        asked = (extensions or {}).get("persistedQuery")
        if asked is None:
            return self._accepted(query)
        hash = _hash_in(asked)
        if not query:
            return self._found(hash)
        if self._registered is None:
            self._remember(hash, query)
        return self._accepted(query)

    def _accepted(self, query: str | None) -> str | None:
        if query and self._registered is not None and query not in self._texts:
            raise rejected("Only documents that are registered are accepted.")
        return query

    def _found(self, hash: str) -> str:
        known = self._remembered if self._registered is None else self._registered
        if hash not in known:
            raise NotKnown
        if self._registered is None:
            self._remembered.move_to_end(hash)
        return known[hash]

    def _remember(self, hash: str, query: str) -> None:
        if hashlib.sha256(query.encode()).hexdigest() != hash.lower():
            raise rejected("The hash is not the SHA-256 of the document.")
        if len(query) > LONGEST or hash in self._remembered:
            return
        self._remembered[hash] = query
        self._characters += len(query)
        while self._characters > MOST_CHARACTERS:
            _, forgotten = self._remembered.popitem(last=False)
            self._characters -= len(forgotten)


def _hash_in(asked: Any) -> str:
    """The hash in a request's `extensions.persistedQuery`."""
    hash = asked.get("sha256Hash") if isinstance(asked, dict) else None
    if not isinstance(hash, str) or asked.get("version") != 1:
        raise rejected("`persistedQuery` must have `version` 1 and `sha256Hash`, a string.")
    return hash
