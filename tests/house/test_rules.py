"""The house keeps its own rules."""

from models import Role
from schema.root import schema
from services.access import TABLE, Permission
from tests.house import rules

graphql_schema = schema._schema


def test_files_fit_a_sitting() -> None:
    assert rules.long_files(rules.ROOT) == []


def test_functions_fit_a_screen() -> None:
    assert rules.long_functions(rules.ROOT) == []


def test_imports_stand_at_the_top() -> None:
    assert rules.late_imports(rules.ROOT) == []


def test_modules_say_what_lives_in_them() -> None:
    assert rules.modules_without_docstring(rules.ROOT) == []


def test_the_environment_is_read_in_one_place() -> None:
    assert rules.environment_readers(rules.ROOT) == []


def test_the_top_of_the_house_keeps_to_its_materials() -> None:
    assert rules.foreign_materials(rules.ROOT) == []


def test_no_test_replaces_our_own_code() -> None:
    assert rules.mocks(rules.ROOT) == []


def test_every_element_of_the_schema_is_described() -> None:
    assert rules.undescribed(graphql_schema) == []


def test_every_test_that_a_document_names_is_there() -> None:
    assert rules.untrue_proofs(rules.ROOT) == []


def test_every_mutation_has_one_input_and_one_payload() -> None:
    assert rules.odd_mutations(graphql_schema) == []


def test_every_union_of_errors_is_what_the_service_declares() -> None:
    assert rules.undeclared_refusals(graphql_schema, rules.declared_refusals()) == []


def test_every_list_says_how_long_it_is() -> None:
    assert rules.unpriced_lists(graphql_schema) == []


def test_every_act_that_takes_a_secret_is_sensitive() -> None:
    assert rules.guessable_secrets(graphql_schema) == []


def test_every_act_that_creates_something_takes_a_key() -> None:
    assert rules.creating_without_key(graphql_schema) == []
    assert rules.WITHOUT_KEY.keys() <= graphql_schema.mutation_type.fields.keys()


def test_every_act_names_its_permission() -> None:
    assert rules.unguarded_acts(rules.ROOT) == []


def test_requests_do_not_look_across_organizations() -> None:
    assert rules.crossings(rules.ROOT) == []


def test_every_permission_is_in_the_table() -> None:
    assert set(TABLE) == set(Permission)
    assert all(roles <= {None, *Role} and roles for roles in TABLE.values())


def test_the_exported_schema_is_the_committed_one() -> None:
    committed = (rules.ROOT / "schema" / "schema.graphql").read_text()
    assert schema.as_str() + "\n" == committed
