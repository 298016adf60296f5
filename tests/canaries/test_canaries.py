"""What people write stays where it belongs: it is in no log, metric, trace, header, event of ids or error."""

import json
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from services.intake.app import FORMS
from services.intake.forms.questions import MOST_CAPTURES, capture_field
from shared.events import topics
from shared.messaging.log import Record
from tests.canaries.capture import Capture, everything_said
from tests.canaries.entries import entries
from tests.canaries.files import HIDDEN, NAMED, telling_files
from tests.canaries.pages import ROWS
from tests.canaries.sender import ADDRESS_OF_CLIENT, TRACE, Answered
from tests.support.postgres import PostgresForTests

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("canaries")]

OF_MACHINES = (ADDRESS_OF_CLIENT, "198.51.100.77", TRACE, "c0ffee00c0ffee00")
PUBLIC = frozenset({"handle", "platform"})
ITS_OWN = frozenset({"POST /report/api/v1/events (batch) id", "the name of who signed in"})
"""What a batch's sender calls an event, to learn which was refused; and who is signed in, at the top of a page."""
NOT_FREE = {
    ("misuse", "related_reference"),
    *((form.name, capture_field(link)) for form in FORMS for link in range(1, MOST_CAPTURES)),
}
"""A reference with its check symbol, asked for only if there is an earlier report; and of links that are not given."""
_COMES_BACK = frozenset({409, 412, 422, 428})
"""A form that is shown again, with what was typed."""
_TO_SIGN_IN = re.compile(r'href="/sign-in\?next=[^"]*"')
"""Leads back to the page's own address."""
_SUMMARY = "govuk-error-summary"
"""It is on pages that are shown again with their errors, but not on the page for all other failures."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def capture(postgres: PostgresForTests, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Capture]:
    async with everything_said(postgres, Path(tmp_path_factory.mktemp("keys"))) as said:
        yield said


def found(capture: Capture, *texts: str | bytes) -> list[str]:
    """Return where the words in `texts` were typed, and which of the machine's words they contain."""
    words: set[str] = set()
    for text in texts:
        words |= capture.canaries.in_text(text)
    return [*capture.canaries.typed(words), *machines(*texts)]


def machines(*texts: str | bytes) -> list[str]:
    told = [text.decode("latin-1") if isinstance(text, bytes) else text for text in texts]
    return [secret for secret in OF_MACHINES if any(secret in text for text in told)]


async def test_every_entry_is_taken_as_the_table_says(capture: Capture) -> None:
    wrong = {}
    for entry in entries():
        status, expected = capture.answered[entry.name], {entry.answers} if entry.answers else {200, 201, 202, 204}
        if status not in expected:
            wrong[entry.name] = status
    assert not wrong, wrong


async def test_every_form_of_every_page_was_sent(capture: Capture) -> None:
    posted = {name for name, row in ROWS.items() if row.method == "POST" and not row.is_call}
    assert sorted(posted - capture.walk.sent) == []


async def test_every_form_of_the_front_was_sent_to_its_end_with_words_in_all_its_fields(capture: Capture) -> None:
    assert {*capture.walk.ended} == {*(form.name for form in FORMS), "supplier-incident"}
    asked = {(form.name, name) for form in FORMS for name in form.fields if name not in form.choices}
    assert asked - capture.walk.fields - NOT_FREE == set()


async def test_everything_was_tried_that_is_to_be_kept_quiet_about(capture: Capture) -> None:
    statuses = {answered.response.status_code for answered in capture.sender.answers}
    assert {200, 201, 303, 400, 401, 403, 404, 409, 412, 422, 500, 503} <= statuses
    for service in ("intake", "triage", "registry", "notifier"):
        assert capture.rows[f"{service}.dead_letter"], service


async def test_nothing_is_in_the_logs_nor_in_anything_that_the_processes_print(capture: Capture) -> None:
    assert found(capture, capture.process) == []


async def test_nothing_is_in_the_metrics(capture: Capture) -> None:
    assert "signpost_reports_accepted" in capture.metrics
    assert found(capture, capture.metrics) == []


async def test_nothing_is_in_the_traces(capture: Capture) -> None:
    assert capture.spans
    assert found(capture, *(span.to_json() for span in capture.spans)) == []


async def test_no_error_repeats_what_was_sent(capture: Capture) -> None:
    repeated = {}
    for answered in capture.sender.answers:
        if answered.response.status_code >= 400:
            told = capture.canaries.in_text(_TO_SIGN_IN.sub("", answered.response.text))
            if _asks_for_the_reference(answered):
                told &= capture.sender.of_headers
            elif _comes_back(answered):
                told &= answered.address | capture.sender.of_headers
            typed = [where for where in capture.canaries.typed(told) if where not in ITS_OWN]
            if typed or machines(answered.response.text):
                repeated[answered.asked] = (answered.response.status_code, typed)
    assert not repeated, json.dumps(repeated, indent=1)


def _comes_back(answered: Answered) -> bool:
    """Return whether the response is a page shown again, with its form and what was typed into it."""
    return answered.response.status_code in _COMES_BACK and _is_page_with_errors(answered.response)


def _asks_for_the_reference(answered: Answered) -> bool:
    """Return whether the response asks for reference and receipt code again: no report has those that were given."""
    return answered.response.status_code == 404 and 'name="receipt_code"' in answered.response.text


def _is_page_with_errors(response: httpx.Response) -> bool:
    return response.headers["content-type"].startswith("text/html") and _SUMMARY in response.text


async def test_no_header_of_an_answer_repeats_what_was_sent(capture: Capture) -> None:
    """Except for the address to come back to after signing in: that is the address that was requested."""
    repeated = {}
    for answered in capture.sender.answers:
        for name, value in answered.response.headers.items():
            told = capture.canaries.in_text(value) - (answered.address if name == "location" else set())
            if told or machines(value):
                repeated[answered.asked] = (name, capture.canaries.typed(told))
    assert not repeated, json.dumps(repeated, indent=1)


async def test_no_header_and_no_key_of_an_event_says_what_was_written(capture: Capture) -> None:
    """Of a dead letter's copy only the headers that we add: the others are its sender's."""
    for record in _ours(capture):
        copied = record.topic.endswith(".dead-letter")
        headers = [value for name, value in record.headers if not copied or name.startswith("dlt_")]
        assert found(capture, *headers, b"" if copied else record.key or b"") == [], record.topic


async def test_what_everybody_may_read_has_ids_and_classification_only(capture: Capture) -> None:
    seen = set()
    for record in _ours(capture):
        if not topics.BY_NAME[record.topic].restricted and record.topic != topics.ACCOUNTS.name:
            assert found(capture, record.value or b"") == [], record.topic
            seen.add(record.topic)
    assert {topics.CASES.name, topics.ALERTS.name, topics.ACCESS.name, topics.DEAD_LETTERS.name} <= seen


async def test_of_an_account_everybody_reads_what_is_public(capture: Capture) -> None:
    for record in _ours(capture):
        if record.topic == topics.ACCOUNTS.name and record.value:
            said = json.loads(record.value)
            for name in said.keys() - PUBLIC:
                assert found(capture, json.dumps(said[name])) == [], name


def _ours(capture: Capture) -> list[Record]:
    return [record for record in capture.records if record not in capture.poison]


async def test_no_mail_says_what_was_written(capture: Capture) -> None:
    assert capture.mails
    for mail in capture.mails:
        del mail["To"]
    assert found(capture, *(mail.as_bytes() for mail in capture.mails)) == []


async def test_nothing_of_a_machine_is_kept_anywhere(capture: Capture) -> None:
    """No address, browser, cookie, key or trace of the sender, whether they said who they are or not."""
    kept = {}
    for table, rows in capture.rows.items():
        told = {word for row in rows for word in capture.canaries.in_text(row)} & capture.sender.of_headers
        if told or machines(*rows):
            kept[table] = [*capture.canaries.typed(told), *machines(*rows)]
    assert not kept, kept


async def test_what_a_file_without_a_name_says_of_its_sender_is_nowhere(capture: Capture) -> None:
    """Not in a database, on a topic, in the store, nor in anything that the team is given of it."""
    places: dict[str, Sequence[str | bytes]] = {
        **capture.rows,
        **capture.told.stored,
        "records": [record.value or b"" for record in _ours(capture)],
        "the team": capture.told.seen,
    }
    assert capture.told.seen
    kept = {place: [where for where in found(capture, *said) if HIDDEN in where] for place, said in places.items()}
    assert {place: told for place, told in kept.items() if told} == {}


async def test_what_a_file_with_a_name_says_is_found_in_the_store(capture: Capture) -> None:
    """The search reads pictures, PDFs and videos: without this the test above could not fail."""
    asked: set[str] = set()

    def note(where: str) -> str:
        asked.add(where)
        return "x"

    list(telling_files(note))
    in_store = found(capture, *(reading for readings in capture.told.stored.values() for reading in readings))
    of_names = found(capture, *capture.rows["intake.evidence"])
    assert {f"{NAMED}: {where}" for where in asked} <= {*in_store, *of_names}


async def test_the_words_are_where_they_belong(capture: Capture) -> None:
    """The search finds what is there: without this the other tests could not fail."""
    assert found(capture, *capture.rows["intake.report"]) != []
    assert found(capture, *capture.rows["intake.outbox"]) != []
    assert found(capture, *capture.rows["triage.dead_letter"]) != []
