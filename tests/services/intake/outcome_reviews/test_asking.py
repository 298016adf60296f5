"""A reporter asks for an outcome to be looked at again, and reads what came of it."""

from collections.abc import Mapping
from datetime import timedelta
from itertools import permutations
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from services.intake.reports.tables import ReportAdditionRow
from shared.events.envelope import Event
from shared.events.intake import OutcomeReviewRequested
from shared.events.triage import CaseOpened, CaseReopened, CaseResolved, CaseReviewed, CaseReviewRequested
from shared.events.vocabulary import CaseState, Outcome, Priority, ReportType, ReviewResult, Team
from tests.services.intake.conftest import START, Intake
from tests.services.intake.conversation.test_conversation import WHO, Told, telling
from tests.services.intake.forms.browser import answer, token_in
from tests.services.intake.tracking.test_follow import STATUS, tell

MINUTE = timedelta(minutes=1)
REASON = "You did not look at the second post"


class Case:
    """A case of a report, and the events that triage publishes about it."""

    def __init__(self, told: Told, *, linked: bool = False, report_type: ReportType = ReportType.ABUSE) -> None:
        self._about = {
            "case_id": uuid4(),
            "report_id": told.report_id,
            "reference": "SP-0000-0000",
            "team": Team.SIRT if linked else Team.SMART,
        }
        self._linked = linked
        self._type = report_type
        self._sequence = 0

    def says(self, kind: type[Event], minute: int, **said: object) -> tuple[int, Event]:
        """Return the next event about the case."""
        self._sequence += 1
        of_kind: Mapping[type[Event], Mapping[str, object]] = {
            CaseOpened: {"report_type": self._type, "priority": Priority.P3, "linked": self._linked},
            CaseResolved: {"outcome": Outcome.NO_VIOLATION},
            CaseReopened: {"state": CaseState.IN_PROGRESS},
            CaseReviewRequested: {"outcome": Outcome.NO_VIOLATION, "due_at": START + timedelta(days=7)},
            CaseReviewed: {"outcome": Outcome.NO_VIOLATION, "result": ReviewResult.UPHELD},
        }
        values = {**self._about, "at": START + minute * MINUTE, **of_kind[kind], **said}
        return self._sequence, kind.model_validate(values)


async def asks(told: Told, reason: str = REASON) -> tuple[int, str]:
    """Ask by the API; return the status, and what the review is now or why it was refused."""
    reference = told.page.rpartition("/")[2]
    sent = await told.client.post(f"{STATUS}/{reference}/review", json={"reason": reason}, headers=told.headers)
    body = sent.json()
    return sent.status_code, str(body["review"]["state"] if sent.is_success else body["type"])


async def review(told: Told) -> dict[str, str] | None:
    reference = told.page.rpartition("/")[2]
    body = (await told.client.get(f"{STATUS}/{reference}", headers=told.headers)).json()
    found: dict[str, str] | None = body.get("review")
    return found


async def finish(intake: Intake, told: Told, case: Case) -> None:
    await tell(intake, case.says(CaseOpened, 0), case.says(CaseResolved, 5))
    intake.clock.time = START + 10 * MINUTE


@pytest.mark.policy("R-c")
@pytest.mark.parametrize(("kind", "way"), WHO)
async def test_every_reporter_may_ask_once_when_it_is_finished(intake: Intake, kind: str, way: str) -> None:
    async with telling(intake, kind, way) as told:
        assert (await asks(told))[0] == 409
        assert "Ask for this to be looked at again" not in (await told.client.get(told.page)).text
        case = Case(told, report_type=ReportType(kind))
        await finish(intake, told, case)
        assert "Ask for this to be looked at again" in (await told.client.get(told.page)).text
        assert (await asks(told, " "))[0] == 422
        assert REASON not in (await told.client.get(told.page)).text
        assert await asks(told) == (201, "waiting")
        assert await asks(told, "Again") == (409, "urn:signpost:problem:review-asked-already")
        page = (await told.client.get(told.page)).text
        assert "You asked for the outcome to be looked at again" in page
        assert "Ask for this to be looked at again" not in page
        assert [item["kind"] for item in await told.items()][-1] == "review_asked"
    async with intake.database.transaction() as session:
        rows = await session.execute(
            text("select topic, subject, value from outbox where type = :kind"), {"kind": OutcomeReviewRequested.TYPE}
        )
        [(topic, subject, value)] = rows.all()
    topics = {"abuse": "abuse-reports", "misuse": "misuse-reports", "security_incident": "security-incidents"}
    assert topic == f"intake.{topics.get(kind, 'enquiries')}.v1"
    assert str(subject) == told.report_id
    assert OutcomeReviewRequested.model_validate_json(value).reason == REASON


async def test_by_page_what_is_wrong_is_said_and_what_was_typed_is_kept(intake: Intake) -> None:
    async with telling(intake, "abuse", "named") as told:
        page = f"{told.page}/review"
        assert "There is no outcome to look at again" in (await told.client.get(page)).text
        case = Case(told)
        await finish(intake, told, case)
        blank = await answer(told.client, page, {"reason": " "})
        assert (blank.status_code, "Enter why this should be looked at again" in blank.text) == (422, True)
        long = await answer(told.client, page, {"reason": "a" * 10_001})
        assert (long.status_code, "10,000 characters or fewer" in long.text) == (422, True)
        heavy = await answer(told.client, page, {"reason": "\U0001f6d1" * 10_001})
        assert heavy.status_code == 422  # not 413: what is allowed in one script is in every other
        shown = await told.client.get(page)
        await tell(intake, case.says(CaseReopened, 11))
        late = await told.client.post(page, data={"reason": REASON, "csrftoken": token_in(shown)})
        assert late.status_code == 409
        assert "There is no outcome that can be looked at again" in late.text
        assert REASON in late.text
        await tell(intake, case.says(CaseResolved, 12))
        sent = await answer(told.client, page, {"reason": REASON})
        assert (sent.status_code, sent.headers["location"]) == (303, f"{told.page}#review")
        assert "You have asked for this already" in (await told.client.get(page)).text


RESULTS = {
    ReviewResult.UPHELD: "The outcome stays as it is",
    ReviewResult.CHANGED: "the team went back to work",
}


@pytest.mark.parametrize("result", RESULTS)
async def test_the_reporter_reads_what_came_of_it_and_when(intake: Intake, result: ReviewResult) -> None:
    async with telling(intake, "abuse", "named") as told:
        case = Case(told)
        await finish(intake, told, case)
        await asks(told)
        await tell(intake, case.says(CaseReviewRequested, 10))
        assert (await review(told) or {})["state"] == "waiting"
        await tell(intake, case.says(CaseReviewed, 15, result=result))
        if result is ReviewResult.CHANGED:
            await tell(intake, case.says(CaseReopened, 15))
        done = await review(told) or {}
        assert (done["state"], done["at"]) == (result, "2026-11-23T10:57:00Z")
        assert RESULTS[result] in (await told.client.get(told.page)).text
        assert [item["kind"] for item in await told.items()][-1] == "reviewed"
        if result is ReviewResult.CHANGED:  # another outcome may be looked at too
            await tell(intake, case.says(CaseResolved, 17))
            intake.clock.time = START + 20 * MINUTE
            assert (await asks(told, "Still not"))[0] == 201
            assert (await review(told) or {})["state"] == "waiting"


@pytest.mark.parametrize("result", RESULTS)
async def test_who_reported_misuse_learns_only_that_someone_looked(intake: Intake, result: ReviewResult) -> None:
    async with telling(intake, "misuse", "named") as told:
        case = Case(told, report_type=ReportType.MISUSE)
        await finish(intake, told, case)
        await asks(told)
        await tell(intake, case.says(CaseReviewRequested, 10), case.says(CaseReviewed, 15, result=result))
        assert (await review(told) or {})["state"] == "looked_at"
        page = (await told.client.get(told.page)).text
        assert "We cannot say more about it" in page
        assert not any(words in page for words in RESULTS.values())


async def test_a_team_that_reopens_the_case_meanwhile_leaves_nothing_to_look_at(intake: Intake) -> None:
    async with telling(intake, "abuse", "named") as told:
        case = Case(told)
        await finish(intake, told, case)
        await asks(told)
        await tell(intake, case.says(CaseReviewRequested, 10), case.says(CaseReopened, 12))
        assert (await review(told) or {})["state"] == "reopened"
        await tell(intake, case.says(CaseResolved, 14))
        intake.clock.time = START + 20 * MINUTE
        assert (await asks(told))[0] == 201


async def test_with_several_cases_the_answer_waits_for_each_team(intake: Intake) -> None:
    async with telling(intake, "abuse", "named") as told:
        first, second = Case(told), Case(told, linked=True)
        await tell(intake, second.says(CaseOpened, 0), second.says(CaseResolved, 4))
        await finish(intake, told, first)
        await asks(told)
        await tell(intake, first.says(CaseReviewRequested, 10), second.says(CaseReviewRequested, 10))
        await tell(intake, first.says(CaseReviewed, 20))
        assert (await review(told) or {})["state"] == "waiting"
        await tell(intake, second.says(CaseReviewed, 30))
        done = await review(told) or {}
        assert (done["state"], done["at"]) == ("upheld", "2026-11-23T11:12:00Z")


async def test_the_news_may_come_in_any_order(intake: Intake) -> None:
    async with telling(intake, "abuse", "named") as told:
        seen = set()
        for number, order in enumerate(permutations(range(4))):
            if number % 6:
                continue
            case = Case(told)
            events = [
                case.says(CaseOpened, 0),
                case.says(CaseResolved, 5),
                case.says(CaseReviewRequested, 10),
                case.says(CaseReviewed, 60),
            ]
            await tell(intake, *(events[place] for place in order))
            async with intake.database.transaction() as session:
                known = await session.execute(
                    text(
                        "select stage, team, resolved_at, review_asked_at, reviewed_at, review_result from tracked_case"
                    )
                )
                seen |= {tuple(row) for row in known}
        assert len(seen) == 1


async def test_the_reason_is_erased_with_everything_else_of_an_exempt_report(intake: Intake) -> None:
    async with telling(intake, "misuse", "named") as told:
        case = Case(told, report_type=ReportType.MISUSE)
        await finish(intake, told, case)
        await asks(told)
        await tell(intake, case.says(CaseReopened, 20), case.says(CaseResolved, 30, outcome=Outcome.EXEMPT))
        assert REASON not in (await told.client.get(told.page)).text
        assert (await asks(told))[0] == 409  # nothing is left to look at
    async with intake.database.transaction() as session:
        added = await session.scalars(
            select(ReportAdditionRow.text).where(ReportAdditionRow.report_id == UUID(told.report_id))
        )
        values = await session.scalars(text("select value from outbox where published_at is null"))
        assert set(added) == {None}
        assert not any(REASON.encode() in value for value in values if value)
