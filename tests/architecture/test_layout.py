"""Where things are and how large they may be."""

import re
from collections.abc import Iterator

import pytest

from tests.architecture.source import ROOT, SERVICES, Module, modules_of_tests, product_modules

CAPABILITY_FILES = {"__init__", "domain", "tables", "handlers", "queries", "api", "pages", "forms"}
SERVICE_FILES = {"__init__", "app", "consumer", "settings", "tables"}
LONGEST_MODULE = 500  # a story is not cut to fit a number, but one this long is two
LONGEST_TEST_MODULE = 500
LONGEST_FUNCTION = 40
LONGEST_WIRING = 70  # an `app.py` is one list, read top to bottom in one place
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager"}


def capabilities() -> Iterator[tuple[str, list[Module]]]:
    """Yield each capability with its modules."""
    names = sorted({module.capability for module in product_modules() if module.capability})
    for name in names:
        yield name, [module for module in product_modules() if module.capability == name]


def test_no_file_is_named_for_nothing() -> None:
    named = [m.path for m in (*product_modules(), *modules_of_tests()) if m.name.rpartition(".")[2] in SAYS_NOTHING]
    assert named == []


def test_no_class_is_named_for_nothing() -> None:
    vague = re.compile(r"Manager$|^Base\w*Service$")
    named = [f"{module.path}: {kind.name}" for module in product_modules() for kind in module.classes()]
    assert [name for name in named if vague.search(name.rpartition(" ")[2])] == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_its_wiring_and_capabilities_and_nothing_else(service: str) -> None:
    files = {path.stem for path in (ROOT / "services" / service).glob("*.py")}
    assert files <= SERVICE_FILES
    assert {"app", "settings"} <= files


def test_modules_tell_one_story() -> None:
    long = [f"{module.path}: {module.lines}" for module in product_modules() if module.lines > LONGEST_MODULE]
    long += [f"{module.path}: {module.lines}" for module in modules_of_tests() if module.lines > LONGEST_TEST_MODULE]
    assert long == []


def test_functions_do_one_thing() -> None:
    long = [
        f"{module.path}:{function.lineno} {function.name}: {lines}"
        for module in (*product_modules(), *modules_of_tests())
        for function in module.functions()
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > longest(module)
    ]
    assert long == []


def longest(module: Module) -> int:
    return LONGEST_WIRING if module.name.endswith(".app") else LONGEST_FUNCTION


def test_a_capability_never_reads_the_tables_of_another() -> None:
    strangers = [
        f"{module.path} imports {imported}"
        for name, modules in capabilities()
        for module in modules
        for imported in module.imports()
        if (owner := re.match(r"services\.(\w+)\.(\w+)\.tables\b", imported)) and f"{owner[1]}/{owner[2]}" != name
    ]
    assert strangers == []


def test_adapters_come_in_through_the_wiring() -> None:
    """A use case is given what it needs: it does not reach for the library behind an adapter."""
    reached = [
        f"{module.path} imports {imported}"
        for _, modules in capabilities()
        for module in modules
        if module.path.rpartition("/")[2] in {"domain.py", "handlers.py", "queries.py", "tables.py"}
        for imported in module.imports()
        if imported.partition(".")[0] in ADAPTED
    ]
    assert reached == []


ADAPTED = {"aiosmtplib", "cel_expr_python", "govuk_bank_holidays", "yaml", "jinja2", "aiokafka", "fastapi", "starlette"}
"""Libraries that stand behind an adapter or at the edge."""
