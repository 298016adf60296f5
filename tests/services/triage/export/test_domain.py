"""What is masked: everything that says who another person is, however it is spelled, unless someone lets it stay."""

import time
from dataclasses import replace

import pytest

from services.triage.cases import views
from services.triage.export.domain import Choice, Kind, Mask, Purpose, Word, mask_for, people_in
from services.triage.reports.domain import TriageReport
from shared.events.intake import Person, Subject
from shared.events.vocabulary import Relation, ReportType
from shared.people import Names
from tests.services.triage.builders import IDS, NOW

TIMES = 16
"""How much longer a text is than one it is compared with."""
"""Seconds of computing; what takes more steps than the text is long takes many more."""
CHOICE = Choice(Purpose.POLICE, "Their request", None)
REPORT = TriageReport(
    form="abuse",
    report_id=IDS.uuid(),
    reference="SP-1234-5678",
    submitted_at=NOW,
    confidentiality="named",
    reporter_name="Priya Shah",
    reporter_staff_id="S1001",
    reporter_email="priya.shah@example.org",
    platform="x",
    affected=(Person(relation=Relation.COLLEAGUE, name="José Shah", handle="@jose_s"),),
    suspected=(Person(relation=Relation.PUBLIC, name="Mark Vole", handle="@vole_x"),),
    narrative="Mark Vole wrote to @ann.other, cc ann@example.com",
    urls=("https://x.com/link_account/status/1",),
    handles=("@listed",),
)

TYPED = "Typed"
FOR_THE_TEAM = (
    *("do not tell anyone", "Thank them", "Look in the system", "Routine monitoring", "trade union"),
    *("When you write to them", "How to reach them", "manager be told"),
)
_ANYONE = Person(relation=Relation.PUBLIC, name=TYPED, staff_id=TYPED, handle=TYPED)
ALL = replace(
    REPORT,
    reporter_name=TYPED,
    reporter_staff_id=TYPED,
    reporter_email=TYPED,
    safe_contact=TYPED,
    platform_name=TYPED,
    related_reference=TYPED,
    affected=(_ANYONE,),
    suspected=(_ANYONE,),
    subject=Subject(name=TYPED, staff_id=TYPED, handle=TYPED),
    found_by="monitoring",
    manager_alert="yes",
    union_activity="yes",
    own_mistake=True,
    taken_over="yes",
    behaviours=("harassment",),
    not_readable=("urls",),
)
"""With an answer to each question."""


def masked(text: str, choice: Choice = CHOICE, report: TriageReport = REPORT) -> str:
    return mask_for(choice, people_in(report, ["A note about @noted"]))(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Mark Vole", "[name 2]"),
        ("MARK\n vole’s post", "[name 2]’s post"),
        ("Vole said, and Mark too", "[name 2] said, and [name 2] too"),
        ("S1001 and priya.shah@example.org", "[staff number 1] and [email 1]"),
        ("@vole_x, VOLE_X, vole_x2", "[account 1], [account 1], vole_x2"),
        ("see https://x.com/link_account/status/1", "see https://x.com/[account 3]/status/1"),
        ("@listed @ann.other @noted ann@example.com", "[account 2] [account 4] [account 5] [email 2]"),
        ("Jose\u0301 Shah and @jose_s stay", "José Shah and @jose_s stay"),
        ("Priya asked", "[name 1] asked"),
        ("Marked for later", "Marked for later"),
    ],
)
def test_who_is_not_affected_is_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_a_reporter_who_is_affected_stays_visible_unless_they_asked_for_confidence() -> None:
    own = replace(REPORT, affected=(Person(relation=Relation.SELF),))
    assert masked("Priya Shah", report=own) == "Priya Shah"
    assert masked("Priya Shah", report=replace(own, confidentiality="confidential")) == "[name 1]"


def test_what_someone_ticks_stays_visible_and_all_else_is_masked() -> None:
    choice = replace(CHOICE, visible=frozenset({"@vole_x"}), more=("Leeds  office", "(odd"))
    assert masked("@vole_x at the leeds office (odd, José Shah", choice) == "@vole_x at the [word 1] [word 2], [name 2]"


def test_it_says_how_often_each_was_masked_and_not_what() -> None:
    mask = Mask([Word(Kind.NAME, "Mark Vole", "someone who may have done it"), Word(Kind.WORD, "Hull", "chosen")])
    assert mask("Vole, mark vole") == "[name 1], [name 1]"
    assert [(one.label, one.times) for one in mask.masked] == [("[name 1]", 2), ("[word 1]", 0)]


def test_without_words_nothing_is_masked() -> None:
    assert Mask([])("a text") == "a text"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("İbrahim Yılmaz", ["İbrahim", "ibrahim", "IBRAHIM YILMAZ", "Yilmaz"]),
        ("Sean O'Brien", ["O’Brien", "sean o`brien", "OBrien"]),
        ("Anna-Marie Groß", ["Anna", "GROSS", "Anna\u2011Marie", "annamarie", "Anna Marie Groß"]),
        ("José Núñez", ["Jose Nunez", "Jose\u0301", "JOSÉ"]),
        ("Mark Vole", ["Ma\u00adrk", "#MarkVole", "Mark\u200bVole"]),
    ],
)
def test_a_name_is_found_however_it_is_spelled(name: str, written: list[str]) -> None:
    mask = Mask([Word(Kind.NAME, name, "someone")])
    assert [mask(text).lstrip("#") for text in written] == ["[name 1]"] * len(written)


def test_a_name_is_found_where_no_space_is_around_it() -> None:
    assert Mask([Word(Kind.NAME, "王伟", "someone")])("他认识王伟吗") == "他认识[name 1]吗"


@pytest.mark.parametrize(
    "text",
    [
        "a" * 50_000,
        "a.@" * 16_000,
        " ".join(f"@u{number:05}" for number in range(5_000)) + " plain text" * 1_000,
        "".join(f"@a.{number}." for number in range(6_000)),
        "a." * 25_000,
        "@" + "." * 49_999,
    ],
)
def test_the_work_grows_with_a_text_s_length_and_not_with_its_square(text: str) -> None:
    taken = [(_work(text[: len(text) // TIMES]), _work(text)) for _ in range(3)]
    assert min(long for _, long in taken) < TIMES**2 / 2 * max(short for short, _ in taken)


def _work(text: str) -> float:
    """Return the seconds of this process's own time to mask a text."""
    report = replace(REPORT, narrative=text)
    began = time.process_time()
    masked = mask_for(CHOICE, people_in(report, []))(text)
    assert len(masked) < 5 * len(text)
    return time.process_time() - began


@pytest.mark.parametrize("form", list(ReportType))
@pytest.mark.parametrize("confidentiality", ["named", "confidential", "anonymous"])
def test_each_answer_says_what_people_typed_and_what_is_for_the_team_alone(
    form: ReportType, confidentiality: str
) -> None:
    rows = views.rows(replace(ALL, form=form, confidentiality=confidentiality), Names(), grace=None, content=True)
    assert [row.key for row in rows if TYPED in "".join(row.lines) and not row.typed] == []
    outside = "\n".join(f"{row.key}: {line}" for row in rows for line in row.for_others)
    assert [words for words in FOR_THE_TEAM if words in outside] == []
    inside = "\n".join(f"{row.key}: {line}" for row in rows for line in row.lines)
    assert "When you write to them" in inside, "the team sees it all"
