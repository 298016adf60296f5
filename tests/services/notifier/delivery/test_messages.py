"""Every message for every purpose and role: six lines, no names, one subject, the same words in both parts."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from uuid import UUID

import pytest

from services.notifier.delivery.domain import (
    ASKS,
    CLASS_OF,
    Attempt,
    DeliveryKind,
    Message,
    Notice,
    RecipientRole,
    SummaryItem,
    Urgency,
    stored_items,
)
from services.notifier.delivery.english import ENGLISH, HOW_URGENT
from shared.events.vocabulary import AlertPurpose
from shared.ids import AlertId, ReportId
from tests.services.notifier.builders import NOW, STAFF
from tests.services.notifier.environment import COMPOSER

_SOME = UUID(int=1)
TEXTS = sorted((purpose, role) for purpose, texts in ENGLISH.items() for role in texts)
NOBODY_IS_TOLD = {AlertPurpose.INCIDENT_REPORTED, AlertPurpose.ENQUIRY_RECEIVED}


def rendered(notice: Notice, kind: DeliveryKind = DeliveryKind.ALERT, *, possible_repeat: bool = False) -> Message:
    return COMPOSER(_attempt(notice.stored(), kind, possible_repeat=possible_repeat), NOW)


def test_there_is_a_text_for_every_purpose_that_sends_a_message() -> None:
    assert set(ENGLISH) == set(AlertPurpose) - NOBODY_IS_TOLD
    assert set(CLASS_OF) == set(ENGLISH)


@pytest.mark.parametrize("urgency", sorted(Urgency))
@pytest.mark.parametrize(("purpose", "role"), TEXTS)
def test_every_message_has_six_lines_that_say_what_to_do_and_name_no_one(
    purpose: AlertPurpose, role: RecipientRole, urgency: Urgency
) -> None:
    message = rendered(Notice("SP-0000-0010", urgency, role, purpose, "/cases/SP-0000-0010"))
    what, reference, how_urgent, to_do, link, who_to_ask = _lines(message)
    assert what.endswith(".")
    assert reference == "Reference: SP-0000-0010"
    assert how_urgent == HOW_URGENT[urgency]
    assert to_do.startswith("What to do: ")
    assert who_to_ask.startswith("Questions: write to ")
    address = link.rpartition(" ")[2]
    asks = purpose in ASKS
    assert address.startswith(f"http://127.0.0.1:8000/{'alerts/acknowledge/' if asks else 'cases/SP-'}")
    assert len(message.subject) <= 78
    assert all(len(line) <= 400 for line in _lines(message))
    for member in STAFF:
        for private in (*member.name.split(), member.email, member.staff_id):
            assert private not in f"{message.subject}{message.text}"


@pytest.mark.parametrize(("purpose", "role"), TEXTS)
def test_both_parts_say_the_same(purpose: AlertPurpose, role: RecipientRole) -> None:
    message = rendered(Notice("SP-0000-0010", Urgency.NORMAL, role, purpose), possible_repeat=True)
    page = _Paragraphs()
    page.feed(message.html)
    assert page.paragraphs == _lines(message)
    assert len(page.links) == 1
    assert "You may have had this message before" in page.paragraphs[-1]


def test_a_subject_to_a_reporter_does_not_say_what_it_is_about() -> None:
    """Another person may see the screen."""
    words = re.compile("abuse|misuse|harass|incident|manager", re.IGNORECASE)
    told = (
        AlertPurpose.REPORT_MOVED,
        AlertPurpose.QUESTION_ASKED,
        AlertPurpose.REPORT_FINISHED,
        AlertPurpose.OUTCOME_REVIEWED,
        AlertPurpose.ABUSE_FOUND,
    )
    assert [w.subject for purpose in told for w in ENGLISH[purpose].values() if words.search(w.subject)] == []


def test_who_reported_misuse_learns_only_that_it_is_finished() -> None:
    for purpose in (AlertPurpose.REPORT_FINISHED, AlertPurpose.OUTCOME_REVIEWED):
        said = ENGLISH[purpose][RecipientRole.MISUSE_REPORTER]
        assert "outcome" not in f"{said.subject}{said.what}{said.to_do}"


def test_a_summary_lists_each_with_its_own_link_and_counts_the_rest() -> None:
    notice = Notice("SP-0000-0010", Urgency.NORMAL, RecipientRole.MANAGER)
    items = [SummaryItem(AlertId(UUID(int=number)), notice) for number in range(1, 24)]
    message = COMPOSER(_attempt(stored_items(items), DeliveryKind.SUMMARY), NOW)
    assert message.subject == "23 messages from Signpost"
    links = re.findall(r"http://127\.0\.0\.1:8000/alerts/acknowledge/\S+", message.text)
    assert len(set(links)) == 20
    assert "And 3 more." in message.text
    page = _Paragraphs()
    page.feed(message.html)
    assert page.paragraphs == _lines(message)


def _lines(message: Message) -> list[str]:
    return [line for line in message.text.splitlines() if line]


def _attempt(notice: dict[str, str], kind: DeliveryKind, *, possible_repeat: bool = False) -> Attempt:
    return Attempt(
        attempt_id=_SOME,
        delivery_id=_SOME,
        alert_id=AlertId(_SOME),
        report_id=None,
        kind=kind,
        channel="email",
        recipient="grace.okafor@example.org",
        notice=notice,
        number=1,
        possible_repeat=possible_repeat,
    )


class _Paragraphs(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.paragraphs: list[str] = []
        self.links: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "p":
            self._inside = True
            self.paragraphs.append("")
        if tag == "a":
            self.links.append(dict(attrs)["href"] or "")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "p"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.paragraphs[-1] += data


ATTEMPT = Attempt(
    attempt_id=_SOME,
    delivery_id=_SOME,
    alert_id=AlertId(_SOME),
    report_id=ReportId(_SOME),
    kind=DeliveryKind.ALERT,
    channel="email",
    recipient="grace.okafor@example.org",
    notice=Notice("SP-0000-0010", Urgency.NORMAL, RecipientRole.MANAGER).stored(),
    number=1,
    possible_repeat=False,
)


@pytest.mark.parametrize(
    ("urgency", "kind", "subject"),
    [
        (Urgency.NORMAL, DeliveryKind.ALERT, "Social media abuse reported, SP-0000-0010"),
        (Urgency.URGENT, DeliveryKind.ALERT, "Urgent: social media abuse reported, SP-0000-0010"),
        (Urgency.NORMAL, DeliveryKind.REMINDER, "Reminder: social media abuse reported, SP-0000-0010"),
        (Urgency.URGENT, DeliveryKind.REMINDER, "Reminder: urgent: social media abuse reported, SP-0000-0010"),
    ],
)
def test_a_subject_begins_with_a_capital_letter_and_has_no_other(
    urgency: Urgency, kind: DeliveryKind, subject: str
) -> None:
    attempt = replace(ATTEMPT, kind=kind, notice={**ATTEMPT.notice, "urgency": urgency.value})
    assert COMPOSER(attempt, NOW).subject == subject
