"""Each command is in the list of commands, and imports no more than it needs."""

import inspect
import json
import pkgutil
import subprocess
import sys

import pytest

from services.cli.main import COMMANDS, GROUPS
from tests.services.cli.in_process import signpost

_LOADED = """
import json, sys
from services.cli import main
try:
    main()
except SystemExit:
    pass
print("loaded", json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""
_SERVING = {"aiokafka", "alembic", "authlib", "fastapi", "httpx", "jinja2", "opentelemetry", "starlette", "uvicorn"}
_DATABASE = {"asyncpg", "sqlalchemy", "structlog"}
_RULES = {"cel_expr_python", "yaml"}


@pytest.mark.parametrize(
    ("arguments", "not_needed"),
    [
        ("--help", _SERVING | _DATABASE | _RULES | {"cryptography", "pydantic"}),
        ("rules --help", _SERVING | _DATABASE | _RULES | {"cryptography", "pydantic_settings"}),
        ("token --role reporter", _SERVING | _DATABASE | {"cel_expr_python"}),
        ("rules check", _SERVING | _DATABASE | {"pydantic_settings"}),
        ("reconcile", {"aiokafka", "alembic", "uvicorn"} | _RULES),
    ],
)
def test_a_command_loads_only_what_it_needs(arguments: str, not_needed: set[str]) -> None:
    run = [sys.executable, "-c", _LOADED, *arguments.split()]
    done = subprocess.run(run, check=True, capture_output=True, text=True)
    loaded = set(json.loads(done.stdout.rpartition("loaded ")[2]))
    assert loaded >= {"services", "typer"}
    assert not loaded & not_needed


@pytest.mark.parametrize("name", COMMANDS)
def test_lists_of_commands_show_the_first_paragraph_of_a_command(name: str) -> None:
    function = pkgutil.resolve_name(COMMANDS[name].function)
    assert (inspect.getdoc(function) or "").split("\n\n")[0] == COMMANDS[name].summary


async def test_every_command_is_listed() -> None:
    listed = (await signpost("--help")).output
    for name in COMMANDS:
        assert f" {name.split()[0]} " in listed
    for group, summary in GROUPS.items():
        assert summary in listed
        for name in COMMANDS:
            if name.startswith(f"{group} "):
                assert f" {name.split()[1]} " in (await signpost(group, "--help")).output
