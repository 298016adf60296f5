"""Every row of the routing table, in a running Signpost: who gets a report, and why."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from tests.journeys.reports import ABUSE, ENQUIRY, EXCEPTION, INCIDENT, MISUSE, Program
from tests.support.embedded import EmbeddedSignpost
from tests.support.eventually import eventually

pytestmark = [
    pytest.mark.xdist_group("embedded"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(300),
]
PRIYA, ZARA = "S1001", "S8004"
LEADS = {
    "smart": "S4002",
    "sirt": "S5002",
    "triage_desk": "S6001",
    "advice_centre": "S6002",
    "policy_standards": "S6003",
}
"""Who sees all cases of their team, restricted ones too; the triage desk sees those of line managers."""


@dataclass(frozen=True, slots=True)
class Went:
    """Where a report was routed, by one of its cases."""

    team: str
    clause: str
    misdirected: bool = False
    restricted: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: what is reported, and every case that must follow."""

    form: str
    body: Mapping[str, object]
    cases: tuple[Went, ...]
    sender: str = PRIYA


def by(staff_id: str, **answers: object) -> dict[str, object]:
    """Return a report of misuse by a person whom no other row names: a second report would be a repeat."""
    return {**MISUSE, "subject": {"staff_id": staff_id}, **answers}


def beside_abuse(**answers: object) -> dict[str, object]:
    """Return an incident whose answers also say abuse, and that touches nothing the department owns."""
    return {**INCIDENT, "asset_owner": "unsure", "platform": "x", "behaviours": ["harassment"], **answers}


TAKEN_OVER = {"platform": "x", "handle": "@SampleDeptPress", "taken_over": "yes"}
DESK = Went("triage_desk", "C-j", restricted=True)
MISUSE_AT_SIRT = Went("sirt", "R-c", restricted=True)
INCIDENT_AT_SIRT = Went("sirt", "C-c")
MANAGER = Went("line_manager", "R-d", restricted=True)
MANAGER_AND_SIRT = (Went("line_manager", "R-c", restricted=True), MISUSE_AT_SIRT)
SMART = Went("smart", "S3")
SMART_BY_WRONG_FORM = Went("smart", "S3", misdirected=True)
ROWS = {
    "1-union-yes": Row("misuse", by("S1003", union_activity="yes"), (DESK,)),
    "1-union-unsure": Row("misuse", by("S1003", union_activity="unsure", dwp_information="yes"), (DESK,)),
    "2-taken-over-by-the-security-form": Row("incident", {**INCIDENT, "account": TAKEN_OVER}, (INCIDENT_AT_SIRT,)),
    "2-taken-over-by-the-abuse-form": Row(
        "abuse",
        {**ABUSE, "behaviours": ["impersonation"], "also_affects": ["account_taken_over"]},
        (Went("sirt", "C-c", misdirected=True),),
    ),
    "2-taken-over-by-the-misuse-form": Row(
        "misuse",
        by("S1003", account_kind="official", taken_over="yes", union_activity="no"),
        (Went("sirt", "C-c", misdirected=True),),
    ),
    "2-taken-over-with-abuse": Row(
        "abuse", {**ABUSE, "also_affects": ["account_taken_over"]}, (INCIDENT_AT_SIRT, SMART)
    ),
    "2-taken-over-with-abuse-by-the-security-form": Row(
        "incident", beside_abuse(account=TAKEN_OVER), (INCIDENT_AT_SIRT, SMART_BY_WRONG_FORM)
    ),
    "3-abuse-by-the-security-form": Row("incident", beside_abuse(), (SMART_BY_WRONG_FORM,)),
    "3-abuse-by-the-security-form-with-information": Row(
        "incident", beside_abuse(asset_owner="dwp"), (SMART_BY_WRONG_FORM, INCIDENT_AT_SIRT)
    ),
    "3-abuse-by-the-misuse-form": Row(
        "misuse", by("S1005", abuse_behaviours=["threat"]), (Went("smart", "S1", misdirected=True),)
    ),
    "3-harassment-by-the-misuse-form": Row(
        "misuse", by("S1005", behaviours=["harassment"]), (Went("smart", "S1", misdirected=True),)
    ),
    "4-abuse-and-information": Row("abuse", {**ABUSE, "also_affects": ["dwp_information"]}, (SMART, INCIDENT_AT_SIRT)),
    "4-abuse-and-a-system": Row("abuse", {**ABUSE, "also_affects": ["system"]}, (SMART, INCIDENT_AT_SIRT)),
    "4-abuse-and-an-account": Row(
        "abuse", {**ABUSE, "also_affects": ["sanctioned_account"]}, (SMART, INCIDENT_AT_SIRT)
    ),
    "5-abuse-of-a-colleague": Row("abuse", {**ABUSE, "affected": [{"relation": "colleague"}]}, (SMART,)),
    "5-abuse-of-the-public": Row("abuse", {**ABUSE, "affected": [{"relation": "customer"}]}, (Went("smart", "S1"),)),
    "5-a-recording": Row("abuse", {**ABUSE, "behaviours": ["unauthorised_recording"]}, (Went("smart", "S2"),)),
    "5-abuse-from-a-union-account": Row(
        "abuse", {**ABUSE, "platform": "x", "handles": ["@SampleUnionNE"]}, (Went("smart", "C-j"),)
    ),
    "5-abuse-found-by-monitoring": Row(
        "abuse",
        {**ABUSE, "affected": [{"relation": "colleague"}], "found_by": "monitoring"},
        (Went("smart", "C-h"),),
        ZARA,
    ),
    "6-misuse-found-by-monitoring": Row(
        "misuse", by("S1006", found_by="monitoring"), (Went("sirt", "C-h", restricted=True),), ZARA
    ),
    "7-misuse-with-a-sanctioned-account": Row(
        "misuse", by("S1007", platform="x", handles=["@SampleDept"]), MANAGER_AND_SIRT
    ),
    "7-misuse-with-information": Row("misuse", by("S1008", dwp_information="yes"), MANAGER_AND_SIRT),
    "7-failure-to-report": Row("misuse", by("S1009", behaviours=["failure_to_report"]), MANAGER_AND_SIRT),
    "8-misuse": Row("misuse", by("S1010"), (MANAGER,)),
    "9-incident": Row("incident", INCIDENT, (INCIDENT_AT_SIRT,)),
    "10-enquiry": Row("enquiry", ENQUIRY, (Went("advice_centre", "X1"),)),
    "10-requirement": Row("enquiry", {**ENQUIRY, "about": "requirement"}, (Went("advice_centre", "X3"),)),
    "10-exception": Row("exception", EXCEPTION, (Went("advice_centre", "C-e"),)),
    "10-notice": Row("exception", {**EXCEPTION, "kind": "notice"}, (Went("policy_standards", "C-e"),)),
    "last-misuse-of-another-kind": Row(
        "misuse", by("S1011", behaviours=["other"]), (Went("triage_desk", "R-c", restricted=True),)
    ),
}


async def went(program: Program, report_id: str) -> list[Went]:
    """Return where every case of a report is, its own first."""

    async def opened() -> bool | None:
        return True if await seen(program, report_id) else None

    await eventually(opened)
    return await seen(program, report_id)  # once more, because the teams were not all asked at the same moment


async def seen(program: Program, report_id: str) -> list[Went]:
    """Return what the leads of all teams see of a report."""
    shown = await asyncio.gather(*(program.cases(lead, report_id) for lead in LEADS.values()))
    cases = sorted((case for some in shown for case in some), key=lambda case: case.reference)
    return [Went(case.team, case.routing.clause, case.routing.misdirected, case.restricted) for case in cases]


@pytest.mark.policy("S1", "S2", "S3", "R-c", "R-d", "C-c", "C-e", "C-h", "C-j", "X1", "X3")
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
async def test_a_report_goes_where_the_table_says(program: Program, row: Row) -> None:
    sent = await program.send(row.form, row.body, row.sender)
    assert await went(program, sent.report_id) == list(row.cases)


async def test_no_report_of_any_kind_is_unaccounted_for(signpost: EmbeddedSignpost, program: Program) -> None:
    misuse = {**MISUSE, "subject": {"name": "Nobody Whom the Directory Knows"}}
    kinds = {"abuse": ABUSE, "misuse": misuse, "incident": INCIDENT, "enquiry": ENQUIRY, "exception": EXCEPTION}
    await asyncio.gather(*(program.send(form, body) for form, body in kinds.items()))
    code, output = await signpost.in_this_process("reconcile", "--wait", "60", "--json")
    figures = json.loads(output)
    assert (code, figures["unaccounted"], figures["in_flight"], figures["dead_lettered"]) == (0, 0, 0, 0)
    assert figures["accepted"] == figures["cases"] == figures["alert_decisions"]
