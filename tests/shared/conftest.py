"""Fixtures for the suites of shared code."""

from pathlib import Path

import pytest

from tests.support.web import WebForTests


@pytest.fixture
def web(tmp_path: Path) -> WebForTests:
    return WebForTests(tmp_path)
