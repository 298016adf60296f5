"""Fixtures for the sign-in suites."""

from pathlib import Path

import pytest

from tests.support.web import WebForTests


@pytest.fixture
def web(tmp_path: Path) -> WebForTests:
    return WebForTests(tmp_path)
