"""What is true of every choice, whatever a report says."""

from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifier.alerts.domain import Choice, choose_recipient
from services.notifier.directory.domain import Directory, ReportingLine
from shared.events.intake import AbuseReportSubmitted, Person
from shared.events.vocabulary import Confidentiality, FoundBy, ManagerAlert
from tests.services.notifier.builders import BOOK, FALLBACK, STAFF, report

members = st.sampled_from(STAFF)
addresses = st.one_of(
    st.none(),
    members.map(lambda member: member.email.upper()),
    st.sampled_from(["x@example.org", "grace.okafor@elsewhere.example", "grace-okafor@example.org", "", "@", "a b@c"]),
)


@st.composite
def suspects(draw: st.DrawFn) -> Person:
    """Draw a colleague, named by one of the things that a reporter may know."""
    member = draw(members)
    known = draw(st.sampled_from(["staff_id", "name", "email", "surname"]))
    said = {
        "staff_id": {"staff_id": member.staff_id.lower()},
        "name": {"name": member.name.upper()},
        "email": {"name": member.email},
        "surname": {"name": f" {member.name.split()[1]} "},
    }[known]
    return Person.model_validate({"relation": "colleague", **said})


directories = st.lists(st.tuples(members, members), max_size=12).map(
    lambda pairs: Directory.of(STAFF, [ReportingLine(one.staff_id, other.staff_id) for one, other in pairs])
)
reports = st.builds(
    report,
    reporter=st.one_of(st.none(), members),
    confidentiality=st.sampled_from([*Confidentiality, "later"]),
    manager_alert=st.sampled_from([*ManagerAlert, "later"]),
    manager_email=addresses,
    suspected=st.lists(suspects(), max_size=4),
    found_by=st.sampled_from([*FoundBy, "later"]),
)


@settings(max_examples=400, deadline=None)
@given(said=reports, directory=directories)
def test_nobody_suspected_is_ever_alerted_first_or_later(said: AbuseReportSubmitted, directory: Directory) -> None:
    choice = choose_recipient(said, directory, BOOK)
    suspected = {text.strip().casefold() for p in said.suspected for text in (p.staff_id, p.name) if text}
    for recipient in (choice.recipient, *choice.then):
        if recipient is None or recipient == FALLBACK:
            continue
        member = directory.member(recipient.staff_id)
        known = {recipient.email}
        if member:
            known |= {member.staff_id.casefold(), member.name.casefold(), member.name.split()[1].casefold()}
        assert not known & suspected


@settings(max_examples=400, deadline=None)
@given(said=reports, directory=directories)
def test_there_is_exactly_one_choice_and_it_says_why(said: AbuseReportSubmitted, directory: Directory) -> None:
    choice = choose_recipient(said, directory, BOOK)
    assert isinstance(choice, Choice)
    assert (choice.recipient is None) == choice.reason.value.startswith("nobody_")
    assert (choice.recipient == FALLBACK) == choice.reason.value.startswith("fallback_")


@settings(max_examples=400, deadline=None)
@given(said=reports, directory=directories)
def test_the_reporter_is_never_alerted_and_nobody_twice(said: AbuseReportSubmitted, directory: Directory) -> None:
    choice = choose_recipient(said, directory, BOOK)
    told = [recipient.email for recipient in (choice.recipient, *choice.then) if recipient]
    assert said.reporter.email not in told
    assert len(told) == len(set(told))


@settings(max_examples=200, deadline=None)
@given(said=reports, directory=directories)
def test_the_recipient_is_in_the_directory_or_in_an_allowed_domain(
    said: AbuseReportSubmitted, directory: Directory
) -> None:
    choice = choose_recipient(said, directory, BOOK)
    for recipient in (choice.recipient, *choice.then):
        if recipient:
            assert directory.with_email(recipient.email) or recipient.email.endswith("@example.org")
