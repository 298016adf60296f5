"""What "I am not sure" does to each answer is what the published table says, by the rule book and by the forms."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest

from services.intake.forms.forms import Form
from services.intake.forms.incident import FORM as INCIDENT
from services.intake.forms.misuse import FORM as MISUSE
from services.intake.forms.questions import YES_NO_UNSURE
from services.intake.forms.steps import steps_for
from services.triage.accounts.domain import Account
from services.triage.reports.domain import TriageReport
from services.triage.reports.normalise import normalise
from services.triage.routing.domain import Decision, History, decide, facts_of
from shared.events.vocabulary import Team, YesNoUnsure
from tests.services.triage.builders import BOOK, incident, misuse

TODAY = date(2026, 11, 23)
TABLE = Path(__file__).parents[2] / "docs" / "policy" / "unsure.md"
FORMS: Mapping[str, Form] = {"misuse": MISUSE, "security_incident": INCIDENT}


class Row(NamedTuple):
    """A row of the table."""

    answer: str
    forms: tuple[str, ...]
    counts_as: str
    does: str
    why: str


def rows() -> dict[str, Row]:
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in TABLE.read_text("utf-8").splitlines()
        if line.startswith("| `")
    ]
    table = [
        Row(answer.strip("`"), tuple(form.split(", ")), kind.strip("`"), *rest) for answer, form, kind, *rest in cells
    ]
    return {row.answer: row for row in table}


ROWS = rows()
HISTORIES = [History(), *(History([Account(kind, "live")]) for kind in ("official", "personal", "union"))]
REPORTS: Mapping[str, list[TriageReport]] = {
    "misuse": [
        normalise(misuse(**answers))
        for answers in (
            {},
            {"content_state": "online"},
            {"behaviours": ("harassment",)},
            {"abuse_behaviours": ("threat",), "content_state": "online"},
            {"found_by": "monitoring"},
            {"account_kind": "official"},
        )
    ],
    "security_incident": [
        normalise(incident(account={"platform": "x", "handle": "dwp", "taken_over": "no"}, **answers))
        for answers in (
            {},
            {"circumstances": ("attempted",)},
            {"still_happening": "yes"},
            {"personal_data": "yes"},
            {"behaviours": ("harassment",), "effects": ()},
            {"behaviours": ("impersonation",), "asset_owner": "unsure"},
        )
    ],
}


def outcome(decision: Decision) -> tuple[object, ...]:
    return decision.team, {also.team for also in decision.also}, decision.priority, decision.restricted


def decisions(row: Row) -> list[dict[str, Decision]]:
    """Return what is decided of many reports with each word for that answer."""
    words = [*YesNoUnsure, "unrecognised"]
    return [
        {word: decide(facts_of(replace(report, **{row.answer: word}), history), BOOK, TODAY) for word in words}
        for form in row.forms
        for report in REPORTS[form]
        for history in HISTORIES
    ]


def of_reports() -> list[str]:
    return [name for name in ROWS if name in TriageReport.__dataclass_fields__]


def test_every_answer_that_can_be_unsure_is_in_the_table_with_its_forms() -> None:
    asked = {
        (name, key)
        for key, form in FORMS.items()
        for name, choice in form.choices.items()
        if choice.options == YES_NO_UNSURE
    }
    assert {(row.answer, form) for row in ROWS.values() for form in row.forms} == asked
    assert all(row.does and row.why for row in ROWS.values())


@pytest.mark.policy("C-j", "C-c", "S3")
@pytest.mark.parametrize("answer", of_reports())
def test_the_rule_book_does_what_the_table_says(answer: str) -> None:
    made = decisions(ROWS[answer])
    for one in made:
        yes, no, unsure = (outcome(one[word]) for word in ("yes", "no", "unsure"))
        assert outcome(one["unrecognised"]) == unsure
        match ROWS[answer].counts_as:
            case "yes":
                assert unsure == yes
            case "no":
                assert unsure == no
            case "nothing":
                assert unsure == yes == no
            case "between":
                assert one["yes"].priority <= one["unsure"].priority <= one["no"].priority
            case other:
                pytest.fail(other)
    if ROWS[answer].counts_as == "between":
        assert any(outcome(one["unsure"]) != outcome(one["yes"]) for one in made)


@pytest.mark.policy("S3")
@pytest.mark.parametrize("answer", sorted(set(ROWS) - set(of_reports())))
def test_a_form_asks_on_as_the_table_says(answer: str) -> None:
    row = ROWS[answer]
    for form in map(FORMS.__getitem__, row.forms):
        unsure, same = (steps_for(form.steps, {answer: (word,)}) for word in ("unsure", row.counts_as))
        other = steps_for(form.steps, {answer: ("no" if row.counts_as == "yes" else "yes",)})
        assert unsure == same != other


@pytest.mark.policy("C-c")
@pytest.mark.parametrize("form", sorted(FORMS))
@pytest.mark.parametrize("kind", ["official", "professional_individual"])
def test_a_possible_takeover_of_a_registered_account_is_urgent_and_sirts(form: str, kind: str) -> None:
    for report in REPORTS[form]:
        told = facts_of(replace(report, taken_over="unsure", union_activity="no"), History([Account(kind, "live")]))
        decision = decide(told, BOOK, TODAY)
        assert decision.priority in {"P1", "P2"}
        assert Team.SIRT in {decision.team, *(also.team for also in decision.also)}
    closed = History([Account(kind, "closed")])
    quiet = normalise(incident(account={"platform": "x", "handle": "dwp", "taken_over": "unsure"}))
    assert decide(facts_of(quiet, closed), BOOK, TODAY).priority == "P3"
