"""What a reporter reads when their case follows another one: how far it is, and nothing of the other report."""

from uuid import UUID, uuid4

from httpx import AsyncClient

from shared.events.triage import CaseMerged, CaseUnmerged
from shared.events.vocabulary import CaseState
from tests.services.intake.conftest import Intake
from tests.services.intake.tracking.test_follow import STATUS, case_events, reported, tell


async def test_a_reporter_reads_of_a_merged_case_only_how_far_it_is(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client)
    code = {"receipt-code": report["receipt_code"]}
    opened = case_events(UUID(report["report_id"]))[0][1]
    about = opened.model_dump(include={"case_id", "report_id", "reference", "at", "team"})
    other = uuid4()
    await tell(intake, (1, opened), (2, CaseMerged(**about, into_case_id=other)))
    answer = await client.get(f"{STATUS}/{report['reference']}", headers=code)
    assert answer.json()["status"] == "being_worked_on"
    assert str(other) not in answer.text
    assert "merge" not in answer.text
    await tell(intake, (3, CaseUnmerged(**about, from_case_id=other, state=CaseState.NEW)))
    body = (await client.get(f"{STATUS}/{report['reference']}", headers=code)).json()
    assert body["status"] == "with_team"
