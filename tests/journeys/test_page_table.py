"""Every page is checked by a journey."""

from pathlib import Path

from tests.journeys.page_routes import pages_of_all_services
from tests.journeys.page_table import COLOURS, STATES, seen_elsewhere, states_of_pages


async def test_the_table_has_every_page_and_no_other(tmp_path: Path) -> None:
    assert set(states_of_pages()) == await pages_of_all_services(tmp_path)


def test_each_state_is_looked_at_or_said_not_to_be_there() -> None:
    wrong = [page for page, states in states_of_pages().items() if set(states) - {COLOURS} != STATES]
    assert wrong == []
    ways = ("seen ", "none, ")
    unsaid = [
        f"{page}, {state}"
        for page, states in states_of_pages().items()
        for state, entry in states.items()
        if isinstance(entry, str) and not entry.startswith(ways)
    ]
    assert unsaid == []


def test_each_page_of_casework_is_looked_at_in_forced_colours_or_said_why_not() -> None:
    of_casework = {page: states for page, states in states_of_pages().items() if page.startswith("/cases")}
    unsaid = [
        page
        for page, states in of_casework.items()
        if not isinstance(states["normal"], list) and not states["normal"].startswith("none") and COLOURS not in states
    ]
    assert unsaid == []


def test_what_another_journey_is_said_to_look_at_is_there() -> None:
    wrong = [
        f"{seen.page}, {seen.state}: {seen.text} is not in {seen.file}" for seen in seen_elsewhere() if not seen.is_so
    ]
    assert wrong == []
