"""Who is alerted about an abuse report, and why."""

from datetime import UTC, datetime

import pytest

from services.notifier.alerts.domain import Recipient, choose_recipient, urgency_of
from services.notifier.delivery.domain import Urgency
from services.notifier.directory.domain import Directory, StaffMember
from shared.events.intake import AbuseReportSubmitted, Person
from shared.events.vocabulary import UNRECOGNISED, Behaviour, Confidentiality, ManagerAlert, Relation
from shared.events.vocabulary import RecipientReason as Why
from shared.ids import StaffId
from tests.services.notifier.builders import (
    BOOK,
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
    report,
    suspect,
)
from tests.services.notifier.environment import Notifier

GRACES = "grace.okafor@example.org"


@pytest.mark.policy("S3", "R-c")
@pytest.mark.parametrize(
    ("said", "why", "email"),
    [
        (report(), Why.REPORTERS_MANAGER, GRACES),
        (report(submitted_at=datetime(2025, 8, 31, 22, 59, tzinfo=UTC)), Why.REPORTERS_MANAGER, DANIEL.email),
        (report(submitted_at=datetime(2025, 8, 31, 23, 1, tzinfo=UTC)), Why.REPORTERS_MANAGER, GRACES),
        (report(manager_email=" Grace.Okafor@EXAMPLE.org "), Why.NAMED_ON_REPORT, GRACES),
        (report(manager_email="new.manager@example.org"), Why.NAMED_ON_REPORT, "new.manager@example.org"),
        (report(manager_email="boss@elsewhere.example"), Why.FALLBACK_ADDRESS_NOT_ALLOWED, FALLBACK.email),
        (report(manager_email="boss@notexample.org"), Why.FALLBACK_ADDRESS_NOT_ALLOWED, FALLBACK.email),
        (report(manager_email="a@example.org, b@example.org"), Why.FALLBACK_ADDRESS_NOT_ALLOWED, FALLBACK.email),
        (report(manager_email="a@example.org\nBcc: b@example.org"), Why.FALLBACK_ADDRESS_NOT_ALLOWED, FALLBACK.email),
        (report(manager_email=PRIYA.email), Why.CONFLICTED_NEXT_UP, GRACES),
        (report(confidentiality="confidential"), Why.REPORTERS_MANAGER, GRACES),
        (report(manager_alert="someone_else", manager_email=TOM.email), Why.SOMEONE_ELSE_CHOSEN, TOM.email),
        (report(manager_alert="someone_else", manager_email=GRACES), Why.FALLBACK_ALL_CONFLICTED, FALLBACK.email),
        (
            report(manager_alert="someone_else", manager_email="x@y.example"),
            Why.FALLBACK_ADDRESS_NOT_ALLOWED,
            FALLBACK.email,
        ),
        (report(manager_alert="someone_else"), Why.FALLBACK_NO_MANAGER_KNOWN, FALLBACK.email),
        (report(manager_alert="from_the_future"), Why.FALLBACK_NO_MANAGER_KNOWN, FALLBACK.email),
        (report(confidentiality="from_the_future"), Why.FALLBACK_NO_MANAGER_KNOWN, FALLBACK.email),
        (report(manager_alert="ask_me_first"), Why.NOBODY_REPORTER_ASKED_TO_WAIT, None),
        (report(manager_alert="no"), Why.NOBODY_REPORTER_DECLINED, None),
        (report(manager_alert="no", confidentiality="confidential"), Why.NOBODY_CONFIDENTIAL, None),
        (report(manager_alert="no", confidentiality="anonymous"), Why.NOBODY_ANONYMOUS, None),
        (report(found_by="monitoring"), Why.NOBODY_FOUND_BY_MONITORING, None),
        (report(found_by="monitoring", manager_email=GRACES), Why.NOBODY_FOUND_BY_MONITORING, None),
    ],
)
def test_each_rule_and_its_reason(said: AbuseReportSubmitted, why: Why, email: str | None) -> None:
    choice = choose_recipient(said, DIRECTORY, BOOK)
    assert (choice.reason, choice.recipient and choice.recipient.email) == (why, email)


@pytest.mark.policy("Sc-a")
@pytest.mark.parametrize("reporter", [LUCA, None])
def test_a_reporter_without_a_line_manager_here_goes_to_the_fallback_recipient(reporter: StaffMember | None) -> None:
    choice = choose_recipient(report(reporter=reporter), DIRECTORY, BOOK)
    assert (choice.reason, choice.recipient) == (Why.FALLBACK_NO_MANAGER_KNOWN, FALLBACK)
    assert choice.then == ()


@pytest.mark.policy("S3")
@pytest.mark.parametrize(
    "said",
    [
        suspect(staff_id="s2001"),
        suspect(name="grace okafor"),
        suspect(name="OKAFOR, Grace Ada"),
        suspect(name="Okafor"),
        suspect(name="Grace.Okafor@example.org"),
        suspect(handle="grace.okafor@example.org"),
        suspect(handle="@grace.okafor@example.org"),
        suspect(name="Mr Okafor"),
        suspect(name="G Okafor"),
        suspect(name="Gracie Okafor"),
        suspect(name="Gra\u0301ce Okafor"),
    ],
)
@pytest.mark.parametrize("given", [None, GRACES])
def test_a_suspected_manager_is_skipped_upwards_however_the_reporter_names_them(
    said: Person, given: str | None
) -> None:
    choice = choose_recipient(report(suspected=[said], manager_email=given), DIRECTORY, BOOK)
    assert choice.reason is Why.CONFLICTED_NEXT_UP
    assert choice.recipient
    assert choice.recipient.staff_id == HELEN.staff_id


def test_an_address_outside_the_directory_that_spells_a_suspected_name_is_not_used() -> None:
    choice = choose_recipient(
        report(suspected=[suspect(name="Alex Stone")], manager_email="alex.stone@example.org"), DIRECTORY, BOOK
    )
    assert choice.recipient
    assert choice.recipient.staff_id == GRACE.staff_id


@pytest.mark.policy("S3")
@pytest.mark.parametrize(
    "given", ["okafor.grace@example.org", "grace.okafor+x@example.org", "Grace_Okafor+1@Example.org"]
)
@pytest.mark.parametrize("said", [suspect(GRACE), suspect(staff_id=" s2001 ")])
def test_another_spelling_of_a_suspects_address_is_not_used(said: Person, given: str) -> None:
    choice = choose_recipient(report(suspected=[said], manager_email=given), DIRECTORY, BOOK)
    assert (choice.reason, choice.recipient and choice.recipient.email) == (Why.CONFLICTED_NEXT_UP, HELEN.email)


def test_a_suspect_known_by_staff_id_keeps_nobody_out_who_has_the_same_surname() -> None:
    namesake = StaffMember(StaffId("S3002"), "Ada Okafor", "ada.okafor@example.org")
    directory = Directory.of([*STAFF, namesake], [line(PRIYA, GRACE), line(GRACE, namesake)])
    choice = choose_recipient(report(suspected=[suspect(GRACE)]), directory, BOOK)
    assert choice.recipient == Recipient(namesake.email, namesake.staff_id)


@pytest.mark.policy("S3", "R-c")
@pytest.mark.parametrize(
    ("given", "why", "email"),
    [
        (None, Why.FALLBACK_NO_MANAGER_KNOWN, FALLBACK.email),
        (GRACES, Why.NAMED_ON_REPORT, GRACES),
        ("new.manager@example.org", Why.NAMED_ON_REPORT, "new.manager@example.org"),
        ("boss@elsewhere.example", Why.FALLBACK_ADDRESS_NOT_ALLOWED, FALLBACK.email),
        (PRIYA.email, Why.FALLBACK_ALL_CONFLICTED, FALLBACK.email),
    ],
)
def test_a_typed_address_of_somebody_else_chooses_nobody_and_names_nobody(
    given: str | None, why: Why, email: str
) -> None:
    """A reporter who did not sign in may type any address: the directory does not treat it as theirs."""
    choice = choose_recipient(report(signed_in=False, manager_email=given), DIRECTORY, BOOK)
    assert (choice.reason, choice.recipient and choice.recipient.email) == (why, email)
    assert choice.about is None


def test_a_typed_address_still_keeps_that_persons_manager_from_being_chosen_instead() -> None:
    said = report(signed_in=False, manager_alert="someone_else", manager_email=GRACES)
    assert choose_recipient(said, DIRECTORY, BOOK).reason is Why.FALLBACK_ALL_CONFLICTED


def test_another_spelling_of_the_managers_address_is_not_another_person() -> None:
    said = report(manager_alert="someone_else", manager_email="grace.okafor+x@example.org")
    assert choose_recipient(said, DIRECTORY, BOOK).reason is Why.FALLBACK_ALL_CONFLICTED


def test_when_everyone_above_is_suspected_the_fallback_is_told() -> None:
    suspected = [suspect(member) for member in (GRACE, HELEN, MARGARET)]
    choice = choose_recipient(report(suspected=suspected), DIRECTORY, BOOK)
    assert (choice.reason, choice.recipient) == (Why.FALLBACK_ALL_CONFLICTED, FALLBACK)


def test_the_chain_is_stored_without_the_suspected_and_ends_with_the_fallback() -> None:
    choice = choose_recipient(report(suspected=[suspect(HELEN)]), DIRECTORY, BOOK)
    assert [recipient.email for recipient in choice.then] == [MARGARET.email, FALLBACK.email]


def test_whom_the_reporter_chose_instead_is_never_followed_by_their_own_line() -> None:
    said = report(manager_alert=ManagerAlert.SOMEONE_ELSE, manager_email=TOM.email)
    assert choose_recipient(said, DIRECTORY, BOOK).then == (FALLBACK,)


def test_the_affected_persons_manager_is_told_only_when_they_manage_the_reporter_too() -> None:
    """The address given is the affected colleague's manager, who has not agreed: the reporter's manager is alerted."""
    directory = Directory.of(STAFF, (*LINES, line(LUCA, DANIEL)))
    affected = suspect(LUCA)
    choice = choose_recipient(report(affected=[affected], manager_email=DANIEL.email), directory, BOOK)
    assert (choice.reason, choice.recipient and choice.recipient.email) == (Why.REPORTERS_MANAGER, GRACES)
    own = affected.model_copy(update={"relation": Relation.SELF})
    assert choose_recipient(report(affected=[own], manager_email=DANIEL.email), directory, BOOK).recipient == Recipient(
        DANIEL.email, DANIEL.staff_id
    )


@pytest.mark.policy("S3")
@pytest.mark.parametrize(
    "affected",
    [suspect(LUCA), suspect(staff_id="s1012 "), suspect(name="Mr Moretti"), suspect(handle="luca.moretti@example.org")],
)
@pytest.mark.parametrize(
    ("manager_alert", "why", "email"),
    [
        (ManagerAlert.YES, Why.REPORTERS_MANAGER, GRACES),
        (ManagerAlert.SOMEONE_ELSE, Why.FALLBACK_NO_MANAGER_KNOWN, FALLBACK.email),
    ],
)
def test_an_affected_person_has_not_agreed_however_they_are_named_and_whichever_manager_was_asked_for(
    affected: Person, manager_alert: ManagerAlert, why: Why, email: str
) -> None:
    directory = Directory.of(STAFF, (*LINES, line(LUCA, DANIEL)))
    said = report(affected=[affected], manager_alert=manager_alert, manager_email=DANIEL.email)
    choice = choose_recipient(said, directory, BOOK)
    assert (choice.reason, choice.recipient and choice.recipient.email) == (why, email)


def test_a_circle_in_the_directory_ends() -> None:
    directory = Directory.of(STAFF, [line(PRIYA, GRACE), line(GRACE, HELEN), line(HELEN, PRIYA)])
    choice = choose_recipient(report(suspected=[suspect(GRACE), suspect(HELEN)]), directory, BOOK)
    assert choice.recipient == FALLBACK


@pytest.mark.parametrize(
    ("how", "shown"), [(Confidentiality.NAMED, PRIYA.staff_id), (Confidentiality.CONFIDENTIAL, None)]
)
def test_a_manager_may_see_who_it_is_only_of_a_named_reporter(how: Confidentiality, shown: str | None) -> None:
    assert choose_recipient(report(confidentiality=how), DIRECTORY, BOOK).about == shown


@pytest.mark.policy("D-doxing", "D-cyberstalking")
def test_doxing_threats_and_stalking_do_not_wait() -> None:
    assert urgency_of([Behaviour.HARASSMENT, Behaviour.DOXING]) is Urgency.URGENT
    assert urgency_of([Behaviour.TROLLING, UNRECOGNISED]) is Urgency.NORMAL


@pytest.mark.policy("S3")
@pytest.mark.parametrize(
    "affected", [suspect(name="Mr Evans"), suspect(name="TOM E\u0301VANS"), suspect(staff_id="s1002 ")]
)
async def test_an_affected_person_who_has_not_agreed_is_found_by_name(notifier: Notifier, affected: Person) -> None:
    """Daniel reports what happened to Tom, and gives the address of Tom's manager: Daniel's own manager is alerted."""
    await notifier.receive(report(reporter=DANIEL, affected=[affected], manager_email=GRACE.email))
    assert await notifier.rows("select recipient_email, reason from alert") == [(HELEN.email, "reporters_manager")]


async def test_a_name_that_nobody_has_leaves_the_given_manager(notifier: Notifier) -> None:
    await notifier.receive(report(reporter=DANIEL, affected=[suspect(name="A%_ Nobody")], manager_email=GRACE.email))
    assert await notifier.rows("select recipient_email, reason from alert") == [(GRACE.email, "named_on_report")]


@pytest.mark.policy("S3")
async def test_a_suspect_is_found_by_a_staff_id_in_any_case(notifier: Notifier) -> None:
    said = report(suspected=[suspect(staff_id=" s2001 ")], manager_email="okafor.grace@example.org")
    await notifier.receive(said)
    assert await notifier.rows("select recipient_email from alert") == [(HELEN.email,)]


@pytest.mark.policy("S3")
async def test_a_typed_address_names_nobody_on_the_managers_page(notifier: Notifier) -> None:
    await notifier.receive(report(signed_in=False, manager_email=GRACE.email))
    assert await notifier.rows("select recipient_email, about_staff_id from alert") == [(GRACE.email, None)]
