"""Documents at random, over the schema of `world`: with aliases, fields that are merged, fragments
with and without names, and what is skipped and included by constants and by variables."""

from random import Random
from typing import Any

from graphql import (
    GraphQLField,
    get_named_type,
    is_interface_type,
    is_leaf_type,
    is_union_type,
)

from tests.execution.world import core

VARIABLES = ("yes", "no")
# Of what is asked about things: the deeper, the fewer.
DEEPEST = 4


class Document:
    """One document, written as it is drawn."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._fragments: list[str] = []
        self._aliases = 0
        body = self._selection(core.query_type, 1)
        fragments = "\n".join(self._fragments)
        # What is not used is not valid.
        used = [name for name in VARIABLES if f"${name}" in body + fragments]
        variables = ", ".join(f"${name}: Boolean!" for name in used)
        head = f"query ({variables})" if used else "query"
        self.text = f"{head} {body}\n{fragments}"
        self.variables = {name: name == "yes" for name in used}

    def _selection(self, kind: Any, level: int) -> str:
        parts = [
            self._part(kind, level) for _ in range(self._chance.randrange(1, max(2, 7 - level)))
        ]
        return "{ " + " ".join(parts) + " }"

    def _part(self, kind: Any, level: int) -> str:
        choice = self._chance.random()
        if is_union_type(kind) or (is_interface_type(kind) and choice < 0.6):
            return self._of_one_kind(kind, level)
        if level > DEEPEST:
            return self._field(kind, level)
        if choice < 0.08:
            return f"... {self._directive()} {self._selection(kind, level + 1)}"
        if choice < 0.16:
            return f"... on {kind.name} {self._directive()} {self._selection(kind, level + 1)}"
        if choice < 0.24:
            name = f"F{len(self._fragments)}"
            # Its place, so that fragments inside of it have other names.
            self._fragments.append("")
            place = len(self._fragments) - 1
            text = f"fragment {name} on {kind.name} {self._selection(kind, level + 1)}"
            self._fragments[place] = text
            return f"...{name} {self._directive()}" + f" ...{name}" * (choice > 0.22)
        return self._field(kind, level)

    def _of_one_kind(self, kind: Any, level: int) -> str:
        one = self._chance.choice(list(core.get_possible_types(kind)))
        if self._chance.random() < 0.2:
            return "__typename"
        # Under other names, as two kinds may have fields of one name.
        return f"... on {one.name} {{ {self._field(one, level, is_alias=True)} }}"

    def _field(self, kind: Any, level: int, *, is_alias: bool = False) -> str:
        if self._chance.random() < 0.06:
            return "__typename"
        name, field = self._chance.choice(self._fields(kind, level))
        alias = ""
        if is_alias or field.args or self._chance.random() < 0.2:
            self._aliases += 1
            alias = f"{'zyx'[self._aliases % 3]}{self._aliases}: "
        arguments = ""
        if field.args and self._chance.random() < 0.7:
            only = next(iter(field.args))
            arguments = f"({only}: {self._chance.choice([0, 1, 2, 9])})"
        inner: Any = get_named_type(field.type)
        inside = "" if is_leaf_type(inner) else self._selection(inner, level + 1)
        return f"{alias}{name}{arguments} {self._directive()} {inside}"

    @staticmethod
    def _fields(kind: Any, level: int) -> list[tuple[str, GraphQLField]]:
        leaves = [(n, f) for n, f in kind.fields.items() if is_leaf_type(get_named_type(f.type))]
        return leaves if leaves and level >= DEEPEST else list(kind.fields.items())

    def _directive(self) -> str:
        if self._chance.random() > 0.1:
            return ""
        by = self._chance.choice(["true", "false", "$yes", "$no"])
        return f"@{self._chance.choice(['skip', 'include'])}(if: {by})"
