"""Pages of cases show a person's name with their staff number, wherever the directory lists them."""

import re
from uuid import uuid4

from sqlalchemy import select

from services.triage.cases.tables import CaseRow
from services.triage.managers.handlers import manager_assigned
from shared.auth.guard import SESSION_COOKIE
from shared.auth.permissions import Principal, Role
from shared.events.envelope import Envelope
from shared.events.intake import Person, Reporter, Subject
from shared.events.notifier import ManagerAssigned
from shared.events.vocabulary import Confidentiality, RecipientReason, Relation
from shared.ids import StaffId
from tests.services.triage.builders import NOW, WRITER, incident, misuse, open_cases, report
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage
from tests.support.people import announce

NAMES = {
    "S1001": "Priya Shah",
    "S1002": "Tom Evans",
    "S1003": "Ellie Moss",
    "S2003": "Tess Hart",
    "S4444": "Lee Moss",
    "S5002": "Maria Costa",
    "S5009": "Una Gray",
    "S6001": "Dev Patel",
    "S7001": "Dana Wolf",
}
_STAFF_NUMBER = re.compile(r"\bS\d{4}\b")
_WITH_NAME = re.compile("|".join(re.escape(f"{name} ({staff_id})") for staff_id, name in NAMES.items()))


def _seen(page: str) -> str:
    return re.sub(r"<[^>]*>", "", page.partition("<main")[2].partition("</main>")[0])


async def test_every_staff_number_of_who_works_on_a_case_stands_with_its_name(triage: Triage) -> None:
    managers, sirts = misuse(), misuse(found_by="monitoring")
    await open_cases(triage.database, managers, sirts)
    async with triage.database.transaction() as session:
        row = (await session.scalars(select(CaseRow).where(CaseRow.reference == managers.reference))).one()
        said = ManagerAssigned(
            case_id=row.case_id,
            report_id=row.report_id,
            at=NOW,
            manager="S2003",
            reason=RecipientReason.SUBJECTS_MANAGER,
        )
        envelope = Envelope(str(uuid4()), "/signpost/notifier", str(row.case_id), None, NOW, said)
        await manager_assigned(session, [envelope], NOW, writer=WRITER)
    case, restricted = f"/cases/{managers.reference}", f"/cases/{sirts.reference}"
    watched = {"/cases": "S2003", case: "S2003", f"{case}/audit": "S2003"}
    led = {restricted: "S4444", f"{restricted}/timeline": "S5009"}
    async with (
        triage.client(Role.SIRT_LEAD, subject="S5009") as una,
        triage.client(Role.SIRT_LEAD, subject="S5002") as maria,
        triage.client(Role.TRIAGE_DESK, subject="S6001") as dev,
    ):
        assert (await press(una, restricted, f"{restricted}/name-person", text="S4444")).status_code == 303
        readers = {**dict.fromkeys(watched, dev), **dict.fromkeys(led, maria)}
        before = {page: _seen((await reader.get(page)).text) for page, reader in readers.items()}
        await announce(triage.database, NOW, **NAMES)
        after = {page: _seen((await reader.get(page)).text) for page, reader in readers.items()}
    for page, number in (watched | led).items():
        assert number in _STAFF_NUMBER.findall(before[page]), page
        assert f"{NAMES[number]} ({number})" in after[page], page
        assert not _STAFF_NUMBER.findall(_WITH_NAME.sub("", after[page])), page


async def test_whom_a_report_gives_only_a_number_has_their_name_unless_they_are_anonymous(triage: Triage) -> None:
    confidential, nobody = (
        Reporter(confidentiality=way, staff_id="S1001")
        for way in (Confidentiality.CONFIDENTIAL, Confidentiality.ANONYMOUS)
    )
    told = report(
        reporter=confidential,
        affected=(Person(relation=Relation.COLLEAGUE, staff_id="S1002"),),
        suspected=(Person(relation=Relation.COLLEAGUE, name="Somebody", staff_id="S1003"),),
    )
    anonymous = misuse(reporter=nobody, subject=Subject(staff_id="s7001"))
    await open_cases(triage.database, told, anonymous)
    await announce(triage.database, NOW, **NAMES)
    async with triage.client(Role.SMART_LEAD, Role.TRIAGE_DESK, subject="S4002") as aisha:
        with_all = _seen((await aisha.get(f"/cases/{told.reference}")).text)
        without = _seen((await aisha.get(f"/cases/{anonymous.reference}")).text)
    assert "Priya Shah (S1001) (confidential:" in with_all
    assert "A colleague: Tom Evans (S1002)" in with_all
    assert "A colleague: Somebody (S1003)" in with_all
    assert "A colleague: Dana Wolf (s7001)" in without
    assert "An anonymous reporter" in without
    assert "Priya" not in without
    assert "S1001" not in without


async def test_whoever_works_on_a_case_has_the_same_name_in_the_queue_and_on_its_page(triage: Triage) -> None:
    told = incident()
    await open_cases(triage.database, told)
    case = f"/cases/{told.reference}"
    await announce(triage.database, NOW, **NAMES)
    nameless = Principal("S5009", StaffId("S5009"), None, None, frozenset({Role.SIRT_LEAD}))
    async with triage.client() as una, triage.client(Role.SIRT_LEAD, subject="S5002") as maria:
        una.cookies.set(SESSION_COOKIE, triage.issuer.session(nameless, NOW))
        assert (await press(una, case, f"{case}/claim")).status_code == 303
        for page in ("/cases", case):
            assert f"{NAMES['S5009']} (S5009)" in (await maria.get(page)).text, page
