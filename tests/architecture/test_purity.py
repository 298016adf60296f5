"""Which file may do what, checked by the calls and imports in the source."""

import ast
import re
import sys

import pytest

from tests.architecture.source import Module, product_modules

DOMAIN_MAY_KNOW = ("shared.addresses", "shared.encryption.Keys", "shared.events", "shared.ids", "shared.text")
ALLOWED_CALLERS = {
    # Engines: one for each database, opened and closed by the wiring.
    r"create_async_engine|create_engine": r"shared/db/",
    # The clock: everywhere else time is an argument, so that a test can choose it.
    # The rate-limit library reads the machine's clock itself.
    r"datetime\.now|datetime\.utcnow|date\.today|time\.time": (
        r"shared/(clock|web/limits)\.py"  # `limits` counts by the wall clock
    ),
    # Ids: passed in, so that a test can predict them. A member of a consumer group names itself.
    r"(uuid\.)?uuid[147]|uuid_utils\.\w+": r"shared/(ids\.py|messaging/)",
    # Commits: a request or a batch is one transaction, opened and closed at the edge.
    r"\w*session\.(commit|rollback)": r"shared/(db|messaging)/",
}
"""A call, as written, and the only files that may make it."""


@pytest.mark.parametrize("call", ALLOWED_CALLERS)
def test_only_one_place_calls(call: str) -> None:
    allowed = re.compile(ALLOWED_CALLERS[call])
    elsewhere = [
        f"{module.path}:{line} {name}"
        for module in product_modules()
        if not allowed.match(module.path)
        for name, line in module.calls()
        if re.fullmatch(call, name)
    ]
    assert elsewhere == []


def test_domain_knows_the_standard_library_event_values_ids_and_addresses_only() -> None:
    known = [
        f"{module.path} imports {imported}"
        for module in product_modules()
        if module.capability and module.path.endswith("/domain.py")
        for imported in module.imports()
        if not _may_be_known(module, imported)
    ]
    assert known == []


def _may_be_known(module: Module, imported: str) -> bool:
    if imported.partition(".")[0] in sys.stdlib_module_names:
        return True
    service = module.path.split("/")[1]
    own_service_decisions = re.match(rf"services\.{service}\.\w+\.domain\b", imported)
    return imported.startswith(DOMAIN_MAY_KNOW) or bool(own_service_decisions)


NOT_FOR_HANDLERS = ("shared.clock", "shared.messaging.log", "shared.messaging.relay.Relay", "shared.settings")


def test_handlers_never_publish_and_never_read_the_clock() -> None:
    knows = [
        f"{module.path} imports {imported}"
        for module in product_modules()
        if module.path.endswith("/handlers.py")
        for imported in module.imports()
        if imported.startswith(NOT_FOR_HANDLERS)
    ]
    assert knows == []


OPENS_SOMETHING = re.compile(
    r"create_\w+|open|print|input|load|\w*Settings|Database|Outbox|Relay|BatchConsumer|create_app|open_\w+"
    r"|.*\.(read_text|read_bytes|write_text|connect|execute|environ\.get|getenv|run|urlopen)"
)


def test_importing_a_module_does_nothing() -> None:
    """A module does no I/O and makes no engine, client or settings: imports in any order must be harmless."""
    doing = [
        f"{module.path}:{call.lineno} {name}"
        for module in product_modules()
        for call in _calls_at_import(module.tree)
        if OPENS_SOMETHING.fullmatch(name := ast.unparse(call.func))
    ]
    assert doing == []


def _calls_at_import(tree: ast.Module) -> list[ast.Call]:
    """Return the calls that run when the module is imported: not those in functions, nor behind a __main__ guard."""
    pending: list[ast.AST] = [node for node in tree.body if not _is_main_guard(node)]
    found = []
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.Call):
            found.append(node)
        pending.extend(ast.iter_child_nodes(node))
    return found


def _is_main_guard(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)
