"""A library that logs the same again and again does not fill the log."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from shared.observability.logs import configure_logging

AWAY = "Unable connect to node with id 1"


@pytest.fixture(autouse=True)
def logs(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    configure_logging("debug", json=True)
    yield
    structlog.reset_defaults()
    root.handlers[:] = before
    root.setLevel(level)


def words(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [json.loads(line)["library_words"] for line in capsys.readouterr().err.splitlines()]


def say(text: str, second: float) -> None:
    record = logging.LogRecord("aiokafka", logging.ERROR, "", 0, text, (), None)
    record.created = second
    logging.getLogger("aiokafka").handle(record)


def test_the_same_words_are_written_once_in_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    for tenth in range(205):
        say(AWAY, 1000 + tenth / 10)
    assert words(capsys) == [AWAY] * 3


def test_other_words_are_never_kept_back(capsys: pytest.CaptureFixture[str]) -> None:
    for node in range(3):
        say(f"Unable connect to node with id {node}", 1000)
    assert words(capsys) == [f"Unable connect to node with id {node}" for node in range(3)]


def test_a_clock_that_was_set_back_silences_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    say(AWAY, 1000)
    say(AWAY, 10)
    assert words(capsys) == [AWAY, AWAY]
