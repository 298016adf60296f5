"""In every service operators can settle the records that it could not handle (promise 4)."""

from importlib import import_module

import pytest
from fastapi import FastAPI

from shared.web.dead_letters import PREFIXES
from tests.architecture.source import SERVICES


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_mounts_the_pages_of_its_dead_letters(service: str) -> None:
    wiring, app = import_module(f"services.{service}.app"), FastAPI()
    assert PREFIXES[service] == wiring.PREFIX
    for router in wiring.ROUTERS:
        app.include_router(router)
    assert app.url_path_for("every_letter") == f"{wiring.PREFIX}/operations/dead-letters"
