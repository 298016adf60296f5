"""Who works a misuse case, and who else learns that it was reported."""

from collections.abc import Sequence
from datetime import date

import pytest

from services.notifier.alerts.domain import Recipient
from services.notifier.directory.domain import Directory, StaffMember
from services.notifier.misuse.domain import ChoiceContext, choose_manager, choose_reporters_manager, without
from services.notifier.reports.domain import misuse_facts
from shared.events.intake import MisuseReportSubmitted, Subject
from shared.events.vocabulary import RecipientReason as Why
from shared.ids import StaffId
from tests.services.notifier.builders import (
    BOOK,
    BOXES,
    DANIEL,
    DIRECTORY,
    FALLBACK,
    GRACE,
    HELEN,
    LINES,
    LUCA,
    MARGARET,
    PRIYA,
    STAFF,
    TOM,
    line,
    misuse,
    suspect,
    who,
)

DESK = BOXES.desk
SETTING = ChoiceContext(DIRECTORY, date(2026, 11, 23), BOOK, DESK)


def setting(day: date = SETTING.day, staff: Sequence[StaffMember] = STAFF) -> ChoiceContext:
    return ChoiceContext(Directory.of(staff, LINES), day, BOOK, DESK)


@pytest.mark.policy("R-d")
@pytest.mark.parametrize(
    ("said", "why", "email"),
    [
        (misuse(), Why.SUBJECTS_MANAGER, GRACE.email),
        (misuse(subject=Subject(staff_id=" s1001 ")), Why.SUBJECTS_MANAGER, GRACE.email),
        (misuse(subject=Subject(name="SHAH, priya")), Why.FALLBACK_NO_MANAGER_KNOWN, DESK.email),
        (misuse(subject=Subject(name="priya  Sháh")), Why.SUBJECTS_MANAGER, GRACE.email),
        (misuse(subject=Subject(name="Priya")), Why.FALLBACK_NO_MANAGER_KNOWN, DESK.email),
        (misuse(subject=Subject(handle="Priya.Shah@example.org")), Why.SUBJECTS_MANAGER, GRACE.email),
        (misuse(subject=Subject(staff_id="S1001", name="Tom Evans")), Why.FALLBACK_NO_MANAGER_KNOWN, DESK.email),
        (misuse(subject=Subject(handle="@somebody")), Why.FALLBACK_NO_MANAGER_KNOWN, DESK.email),
        (misuse(subject=Subject(staff_id="S1012")), Why.FALLBACK_NO_MANAGER_KNOWN, DESK.email),
        (misuse(reporter=GRACE), Why.CONFLICTED_NEXT_UP, HELEN.email),
        (misuse(reporter=None, affected=[suspect(GRACE)]), Why.CONFLICTED_NEXT_UP, HELEN.email),
        (misuse(affected=[suspect(name="Mrs Okafor")]), Why.CONFLICTED_NEXT_UP, HELEN.email),
        (misuse(affected=[suspect(m) for m in (GRACE, HELEN, MARGARET)]), Why.FALLBACK_ALL_CONFLICTED, DESK.email),
    ],
)
def test_the_subjects_manager_works_it_unless_they_are_part_of_it(
    said: MisuseReportSubmitted, why: Why, email: str
) -> None:
    choice = choose_manager(misuse_facts(said), SETTING)
    assert (choice.reason, choice.recipient and choice.recipient.email) == (why, email)


@pytest.mark.policy("R-d")
@pytest.mark.parametrize(("day", "manager"), [(date(2025, 8, 31), DANIEL), (date(2025, 9, 1), GRACE)])
def test_the_line_of_that_day_counts(day: date, manager: StaffMember) -> None:
    choice = choose_manager(misuse_facts(misuse()), setting(day=day))
    assert choice.recipient == Recipient(manager.email, manager.staff_id)


def test_a_name_that_two_people_have_chooses_neither() -> None:
    namesake = StaffMember(StaffId("S1099"), "Priya Shah", "priya.shah2@example.org")
    choice = choose_manager(misuse_facts(misuse(subject=Subject(name="Priya Shah"))), setting(staff=(*STAFF, namesake)))
    assert choice.reason is Why.FALLBACK_NO_MANAGER_KNOWN


def test_a_manager_who_has_the_subjects_surname_is_not_the_subject() -> None:
    namesake = StaffMember(StaffId("S2099"), "Ravi Shah", "ravi.shah@example.org")
    directory = Directory.of((*STAFF, namesake), [line(PRIYA, namesake)])
    choice = choose_manager(misuse_facts(misuse()), ChoiceContext(directory, SETTING.day, BOOK, DESK))
    assert choice.recipient == Recipient(namesake.email, namesake.staff_id)


def test_a_manager_who_has_the_surname_of_an_affected_person_is_not_them() -> None:
    namesake = StaffMember(StaffId("S3002"), "Ada Okafor", "ada.okafor@example.org")
    said = misuse(affected=[suspect(namesake)])
    choice = choose_manager(misuse_facts(said), setting(staff=(*STAFF, namesake)))
    assert choice.recipient == Recipient(GRACE.email, GRACE.staff_id)


@pytest.mark.policy("R-d")
def test_three_managers_are_tried_and_then_the_desk_decides() -> None:
    choice = choose_manager(misuse_facts(misuse()), SETTING)
    tried = [choice.recipient, *choice.then]
    assert [r and r.email for r in tried] == [GRACE.email, HELEN.email, MARGARET.email, DESK.email]


def test_a_manager_who_was_passed_over_is_not_asked_again() -> None:
    choice = choose_manager(misuse_facts(misuse()), SETTING, passed_over={GRACE.staff_id, HELEN.email})
    assert choice.recipient == Recipient(MARGARET.email, MARGARET.staff_id)


def test_without_a_report_the_desk_decides() -> None:
    assert choose_manager(None, SETTING).recipient == DESK


WORKING = Recipient(GRACE.email, GRACE.staff_id)


@pytest.mark.policy("R-c", "C-j")
@pytest.mark.parametrize(
    ("said", "working", "why", "email"),
    [
        (misuse(reporter=TOM), WORKING, Why.NOBODY_MANAGER_WORKS_IT, None),
        (misuse(reporter=TOM), Recipient(DANIEL.email, DANIEL.staff_id), Why.REPORTERS_MANAGER, GRACE.email),
        (misuse(reporter=LUCA), WORKING, Why.FALLBACK_NO_MANAGER_KNOWN, FALLBACK.email),
        (misuse(reporter=TOM, subject=Subject(staff_id=GRACE.staff_id)), None, Why.CONFLICTED_NEXT_UP, HELEN.email),
        (misuse(reporter=TOM, union_activity="yes"), None, Why.NOBODY_UNION_ACTIVITY, None),
        (misuse(reporter=TOM, union_activity="unsure"), None, Why.NOBODY_UNION_ACTIVITY, None),
        (misuse(reporter=TOM, union_activity="later"), None, Why.NOBODY_UNION_ACTIVITY, None),
        (misuse(reporter=TOM, manager_alert="no"), None, Why.NOBODY_REPORTER_DECLINED, None),
        (misuse(reporter=TOM, manager_alert="ask_me_first"), None, Why.NOBODY_REPORTER_ASKED_TO_WAIT, None),
        (misuse(reporter=TOM, found_by="monitoring"), None, Why.NOBODY_FOUND_BY_MONITORING, None),
        (misuse(reporter=TOM, manager_email="grace.okafor+x@example.org"), WORKING, Why.NOBODY_MANAGER_WORKS_IT, None),
    ],
)
def test_the_reporters_manager_is_told_never_the_manager_who_works_it(
    said: MisuseReportSubmitted, working: Recipient | None, why: Why, email: str | None
) -> None:
    choice = choose_reporters_manager(misuse_facts(said), SETTING, working)
    assert (choice.reason, choice.recipient and choice.recipient.email) == (why, email)


@pytest.mark.policy("R-c")
@pytest.mark.parametrize(
    ("how", "why"), [("confidential", Why.NOBODY_CONFIDENTIAL), ("anonymous", Why.NOBODY_ANONYMOUS)]
)
def test_no_manager_hears_of_a_confidential_or_anonymous_report(how: str, why: Why) -> None:
    facts = misuse_facts(misuse().model_copy(update={"reporter": who(TOM, how)}))
    assert choose_reporters_manager(facts, SETTING, None).reason is why


def test_who_knows_the_reporter_is_never_next_to_work_it_and_nobody_above_them_is_told() -> None:
    facts = misuse_facts(misuse(reporter=TOM, subject=Subject(staff_id=LUCA.staff_id)))
    lines = [known for known in LINES if known.staff_id != TOM.staff_id]
    chosen = ChoiceContext(Directory.of(STAFF, [*lines, line(LUCA, DANIEL), line(TOM, HELEN)]), SETTING.day, BOOK, DESK)
    working = choose_manager(facts, chosen)
    told = choose_reporters_manager(facts, chosen, working.recipient)
    assert told.recipient == Recipient(HELEN.email, HELEN.staff_id)
    assert told.then == (FALLBACK,)
    assert Recipient(HELEN.email, HELEN.staff_id) in working.then
    assert Recipient(HELEN.email, HELEN.staff_id) not in without(working, told.recipient).then
