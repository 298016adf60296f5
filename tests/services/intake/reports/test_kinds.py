"""Every kind of report stores and publishes all fields of its command: none is lost between three classes."""

from dataclasses import fields

import pytest

from services.intake.reports.kinds import BY_TYPE, KINDS, Kind
from services.intake.reports.tables import ReportRow
from shared.events.vocabulary import ReportType

ANSWERS = {kind.report_type: {field.name for field in fields(kind.command)} - {"reporter"} for kind in KINDS}
IN_ANOTHER_TABLE = {"report_id"}


def columns(kind: Kind) -> set[str]:
    own = set(kind.details.__table__.columns.keys()) if kind.details else set()
    return (set(ReportRow.__table__.columns.keys()) | own) - IN_ANOTHER_TABLE


def test_there_is_a_kind_for_every_type() -> None:
    assert set(BY_TYPE) == set(ReportType)


@pytest.mark.parametrize("report_type", sorted(ReportType))
def test_every_answer_has_a_column(report_type: ReportType) -> None:
    assert ANSWERS[report_type] - columns(BY_TYPE[report_type]) == set()


@pytest.mark.parametrize("report_type", sorted(ReportType))
def test_every_answer_has_a_field_in_the_events(report_type: ReportType) -> None:
    kind = BY_TYPE[report_type]
    for event in filter(None, (kind.submitted, kind.amended)):
        assert ANSWERS[report_type] - set(event.model_fields) == set(), event.TYPE


@pytest.mark.parametrize("report_type", sorted(ReportType))
def test_whatever_a_column_of_its_own_holds_is_an_answer(report_type: ReportType) -> None:
    details = BY_TYPE[report_type].details
    own = set(details.__table__.columns.keys()) - IN_ANOTHER_TABLE if details else set()
    assert own - ANSWERS[report_type] == set()


@pytest.mark.parametrize("report_type", sorted(ReportType))
def test_texts_and_people_are_marked_as_personal(report_type: ReportType) -> None:
    details = BY_TYPE[report_type].details
    personal = {"subject", "account", "asset_note", "business_case"}
    found = {column.name: column.info for column in details.__table__.columns} if details else {}
    assert [name for name, info in found.items() if name in personal and not info.get("personal")] == []
    assert found.get("related_reference", {}) == {}
