"""The rules of the house that no linter knows. Each returns the places that break it, so that the
proofs can show that a broken place is found."""

import ast
import asyncio
import inspect
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    get_nullable_type,
    is_introspection_type,
    is_leaf_type,
    is_list_type,
    is_specified_scalar_type,
)

from schema.fields import SENSITIVE
from schema.sizes import COST, NO_COST

ROOT = Path(__file__).parent.parent.parent
ROOMS = ("schema", "resolvers", "services", "models")
LONGEST_FILE = 400
LONGEST_FUNCTION = 50


def untrue_proofs(root: Path) -> list[str]:
    """Where a document names a test that there is not."""
    found = []
    for document in sorted((root / "docs").glob("**/*.md")):
        for path, _, name in re.findall(r"`(tests/[\w/.]+\.py)(::(\w+))?`", document.read_text()):
            file = root / path
            if not file.exists() or f"def {name or ''}" not in file.read_text():
                found.append(f"{document.relative_to(root)}: {path} {name}")
    return found


def sources(root: Path) -> Iterator[Path]:
    """The project's own Python, migrations and tests aside."""
    yield from root.glob("*.py")
    for room in (*ROOMS, "serving", "benchmarks"):
        yield from (root / room).rglob("*.py")


def parsed(root: Path) -> Iterator[tuple[Path, ast.Module]]:
    for path in sources(root):
        yield path, ast.parse(path.read_text())


def long_files(root: Path) -> list[str]:
    """Files that do not fit a sitting, tests included."""
    found = []
    for path in (*sources(root), *(root / "tests").rglob("*.py")):
        lines = len(path.read_text().splitlines())
        if lines > LONGEST_FILE:
            found.append(f"{path.relative_to(root)}: {lines} lines")
    return found


def long_functions(root: Path) -> list[str]:
    """Functions of more than fifty lines."""
    return [
        f"{path.relative_to(root)}: {node.name}"
        for path, tree in parsed(root)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]


def late_imports(root: Path) -> list[str]:
    """Imports inside of functions, which hide circles."""
    return [
        f"{path.relative_to(root)}: {function.name}"
        for path, tree in parsed(root)
        if path.name != "main.py"
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]


def modules_without_docstring(root: Path) -> list[str]:
    """Modules that do not say what lives in them."""
    return [str(p.relative_to(root)) for p, tree in parsed(root) if not ast.get_docstring(tree)]


def environment_readers(root: Path) -> list[str]:
    """Modules other than environment.py that read the environment."""
    return [
        str(path.relative_to(root))
        for path, tree in parsed(root)
        if path.name != "environment.py" and "benchmarks" not in path.parts
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    ]


def foreign_materials(root: Path) -> list[str]:
    """Imports of the modules above the rooms that belong into a room."""
    found = []
    for path, tree in parsed(root):
        name = path.relative_to(root)
        if name.parts[0] in {*ROOMS, "benchmarks"}:
            continue
        for node in ast.walk(tree):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module]
            found += [
                f"{name}: {module}"
                for module in modules
                if module.partition(".")[0] in {"strawberry", "graphql", "sqlalchemy", "asyncpg"}
            ]
    return found


def mocks(root: Path) -> list[str]:
    """Tests that replace our own code."""
    return [
        f"{path.relative_to(root)}: {word}"
        for path in (root / "tests").rglob("*.py")
        if "house" not in path.parts and "gates" not in path.parts
        for word in ("unittest.mock", "monkeypatch", "mocker")
        if word in path.read_text()
    ]


def undescribed(schema: GraphQLSchema) -> list[str]:
    """Elements of the schema without a description that ends in a full stop."""
    found = []
    for name, kind in schema.type_map.items():
        if is_introspection_type(kind) or is_specified_scalar_type(kind):
            continue
        elements = [(name, kind.description)]
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for field_name, field in kind.fields.items():
                elements.append((f"{name}.{field_name}", field.description))
                elements += [
                    (f"{name}.{field_name}({argument}:)", value.description)
                    for argument, value in field.args.items()
                ]
        if isinstance(kind, GraphQLInputObjectType):
            elements += [(f"{name}.{n}", field.description) for n, field in kind.fields.items()]
        if isinstance(kind, GraphQLEnumType):
            elements += [(f"{name}.{n}", value.description) for n, value in kind.values.items()]
        found += [where for where, text in elements if not text or text.strip()[-1] not in ".)?"]
    return found


def odd_mutations(schema: GraphQLSchema) -> list[str]:
    """Mutations without exactly one input and one payload with a union of errors."""
    found = []
    for name, field in schema.mutation_type.fields.items():
        word = name[0].upper() + name[1:]
        payload = field.type.of_type if isinstance(field.type, GraphQLNonNull) else None
        takes_one = (
            list(field.args) == ["input"] and str(field.args["input"].type) == f"{word}Input!"
        )
        names = getattr(payload, "name", "") == f"{word}Payload"
        errors = getattr(payload, "fields", {}).get("errors")
        if not (takes_one and names and errors and str(errors.type) == f"[{word}Error!]!"):
            found.append(name)
    return found


def undeclared_refusals(schema: GraphQLSchema, declared: dict[str, set[str]]) -> list[str]:
    """Mutations whose union of errors is not what their service declares, and what its input
    implies."""
    found = []
    for name, field in schema.mutation_type.fields.items():
        union = schema.type_map[f"{name[0].upper()}{name[1:]}Error"]
        shown = (
            {kind.name for kind in union.types} if isinstance(union, GraphQLUnionType) else set()
        )
        fields = field.args["input"].type.of_type.fields
        implied = {"InvalidInput"}
        implied |= {"NotFound"} if any("ID" in str(f.type) for f in fields.values()) else set()
        implied |= {"StaleVersion"} if "expectedVersion" in fields else set()
        implied |= {"IdempotencyMismatch"} if "idempotencyKey" in fields else set()
        if shown != declared[name] | implied:
            found.append(f"{name}: {shown ^ (declared[name] | implied)}")
    return found


def unpriced_lists(schema: GraphQLSchema) -> list[str]:
    """Lists of things that do not say how many there are: what they cost is not known."""
    return [
        f"{name}.{field_name}"
        for name, kind in schema.type_map.items()
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)
        and not is_introspection_type(kind)
        for field_name, field in kind.fields.items()
        if is_list_type(get_nullable_type(field.type))
        and not is_leaf_type(get_named_type(field.type))
        if declared(field).get(COST, NO_COST).rows is None
    ]


SECRETS = {"password", "currentPassword", "token", "refreshToken", "manageToken", "code"}


def guessable_secrets(schema: GraphQLSchema) -> list[str]:
    """Mutations that take a secret, and as many times in one operation as somebody likes."""
    return [
        name
        for name, field in schema.mutation_type.fields.items()
        if SECRETS & get_named_type(field.args["input"].type).fields.keys()
        and not declared(field).get(SENSITIVE)
    ]


# Acts on what is there: sent twice, they find it as they would leave it, or are refused.
CHANGING = {
    *("accept", "cancel", "change", "check", "complete", "confirm", "delete", "disconnect"),
    *(
        "decline",
        "end",
        "leave",
        "mark",
        "publish",
        "remove",
        "reset",
        "retry",
        "set",
        "unblock",
        "unpublish",
    ),
    "update",
}
WITHOUT_KEY = {
    "signUp": "nobody is signed in whose key it could be",
    "signIn": "nobody is signed in; a second session is one to end",
    "refreshSession": "a token has one successor",
    "signOut": "ends what there is",
    "requestPasswordReset": "nobody is signed in; limited for each account",
    "requestEmailChange": "takes a password, of which a key would keep a fast hash",
    "generateSlots": "makes what is missing",
    "holdSlot": "whoever holds it holds it, once more prolongs it once",
    "releaseHold": "ends what there is",
    "importPublicHolidays": "imports each holiday once",
    "refreshExternalCalendar": "has read what is read anyway",
    "rescheduleGuestBooking": "nobody is signed in; where it is already, it is not moved",
}


def creating_without_key(schema: GraphQLSchema) -> list[str]:
    """Mutations that create something, and do it twice if they are sent twice."""
    return [
        name
        for name, field in schema.mutation_type.fields.items()
        if re.split("[A-Z]", name)[0] not in CHANGING
        and name not in WITHOUT_KEY
        and "idempotencyKey" not in get_named_type(field.args["input"].type).fields
    ]


def declared(field: GraphQLField) -> Mapping[str, Any]:
    """What was declared beside a field."""
    definition = field.extensions.get("strawberry-definition")
    return getattr(definition, "metadata", {})


# Acts of the server itself, of the command line and of signing in: there is no viewer, or not yet.
BEFORE_ANY_VIEWER = {
    "create_organization",
    "find_organization",
    "count_organizations",
    "viewer_for",
    "create_admin",
    "generate_all",
    "make_demo",
    "keep_house",
    "keep_horizons",
    "extend_horizons",
    "extend_organization",
    "end_lost_views",
    "sweep_holds",
    "give_up_expired",
    "clean_up",
    "keep_sealing",
    "keep_reading",
    "keep_lines",
    "close_what_is_over",
    "seal",
    "verify",
}
# What acts are made with; nobody from outside calls these.
BELOW_THE_ACTS = {
    *("mailer.py", "passwords.py", "context.py", "idempotency.py", "pages.py", "trail.py"),
    *("watching.py", "fetching.py", "programs.py"),
}


def unguarded_acts(root: Path) -> list[str]:
    """Public coroutines of services that begin with neither a permission nor a session."""
    found = []
    for path in (root / "services").rglob("*.py"):
        if path.parent.name == "live" or path.name in BELOW_THE_ACTS:
            continue
        for node in ast.parse(path.read_text()).body:
            if not isinstance(node, ast.AsyncFunctionDef) or node.name.startswith("_"):
                continue
            guards = {
                decorator.func.id
                for decorator in node.decorator_list
                if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name)
            }
            arguments = {argument.arg for argument in node.args.args}
            is_part = bool(arguments & {"session"})
            if (
                not guards & {"act", "feed"}
                and not is_part
                and node.name not in PARTS | BEFORE_ANY_VIEWER
            ):
                found.append(f"{path.relative_to(root)}: {node.name}")
    return found


# What a server does by itself, for all organizations alike; nothing that a request leads to.
CROSSING = {
    "create_organization",
    "make_demo",
    "end_lost_views",
    "give_up_expired",
    "close_what_is_over",
    "seal",
    "_sweep",
    "_delete",
    "_purge_calendars",
    # Mail that waits leaves from whichever process has time.
    "_take_up",
    # And what is busy elsewhere is read by it.
    "take_up",
    "_executed",
}


def crossings(root: Path) -> list[str]:
    """Functions that look across organizations and are not known to have to."""
    return [
        f"{path.relative_to(root)}: {function.name}"
        for path, tree in parsed(root)
        if "benchmarks" not in path.parts
        for function in ast.walk(tree)
        if isinstance(function, ast.AsyncFunctionDef) and function.name not in CROSSING
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and node.attr == "crossing_organizations"
    ]


# Parts that read by themselves, after an act that had its permission.
PARTS = {
    *("alternatives", "alternatives_near", "checked_password", "conflicting", "holder_of"),
    *("make_kinds", "own_account", "require_password"),
}


def declared_refusals() -> dict[str, set[str]]:
    """The refusals that each act of a service declares, by the name of its mutation."""
    found = {}
    for path in (ROOT / "services").rglob("*.py"):
        module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for name, function in inspect.getmembers(module, asyncio.iscoroutinefunction):
            if hasattr(function, "refusals"):
                first, *rest = name.split("_")
                mutation = first + "".join(word.title() for word in rest)
                found[mutation] = {refusal.__name__ for refusal in function.refusals}
    return found
