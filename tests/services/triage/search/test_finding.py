"""Cases are found by what is written about them, in the spelling that people have at hand."""

from collections.abc import Sequence

from services.triage.cases import handlers as cases
from services.triage.cases.handlers import Work
from services.triage.search.domain import Part, Sought
from services.triage.search.queries import Hit
from shared.db.database import Database
from shared.events.intake import Reporter
from shared.events.vocabulary import Confidentiality, Outcome, Team
from tests.services.triage.builders import NOW, WRITER, CaseFilter, listed, open_cases, report, viewer
from tests.services.triage.evidence.pieces import announce, piece
from tests.services.triage.search.sought import search, swept

SERVICE = "triage"
SAM = viewer(Team.SMART)
SHA = "5f" * 32
TOLD = report(
    platform="facebook",
    content_kind="post",
    narrative="They keep threatening me at www.example.org/Thread/7 and call me a cheat's brother. Café naïve.",
    urls=("https://twitter.com/Some_One/status/1234567?s=20", "https://forum.example.net/topic?id=9&utm_source=x"),
    handles=("@The.Troll_99",),
    affected=({"relation": "colleague", "name": "Siobhán O’Brien", "staff_id": "S1077"},),
    suspected=({"relation": "stranger", "name": "Max Mustermann", "handle": "maxm"},),
)
OTHER = report(
    narrative="Something else entirely.",
    platform="other",
    behaviours=("doxing",),
    reporter=Reporter(confidentiality=Confidentiality.ANONYMOUS),
    manager_alert="no",
)


REPORT, MESSAGE, NOTE, OUTCOME = Part.REPORT, Part.MESSAGE, Part.NOTE, Part.OUTCOME
NAME, ACCOUNT, LINK, FILE = Part.NAME, Part.ACCOUNT, Part.LINK, Part.FILE
FOUND: Sequence[tuple[str, Sequence[Part]]] = [
    ("threatens", [REPORT]),
    ("threatening", [REPORT]),
    ("THREATENED cheats", [REPORT]),
    ('"keep threatening"', [REPORT]),
    ("“call me a cheat”", [REPORT]),
    ("cafe naive", [REPORT]),
    ("facebook", [REPORT]),
    ("harassment", [REPORT]),
    ("siobhan", [NAME]),
    ("O'Brien", [NAME]),
    ("obrien", [NAME]),
    ('"Siobhan O’Brien"', [NAME]),
    ("s1077", [NAME]),
    ("priya.shah@example.org", [NAME]),
    ("mustermann threatens", [REPORT, NAME]),
    ("@the.troll_99", [ACCOUNT]),
    ("TROLL", [ACCOUNT]),
    ("maxm", [ACCOUNT]),
    ("@some_one", [ACCOUNT]),
    ("https://x.com/some_one", [ACCOUNT]),
    ("x.com/Some_One/status/1234567", [ACCOUNT, LINK]),
    ("https://mobile.twitter.com/some_one/status/1234567/", [ACCOUNT, LINK]),
    ("http://forum.example.net/topic?id=9", [LINK]),
    ("forum.example.net", [LINK]),
    ("https://EXAMPLE.org/thread/7", [LINK]),
    (SHA.upper(), [FILE]),
    ("visibly", [NOTE]),
    ("apologise", [MESSAGE]),
    ("violations", [OUTCOME]),
    ("satire", [OUTCOME]),
    ("satire threaten obrien", [REPORT, OUTCOME, NAME]),
]
NOT_FOUND = [
    "threshold",
    '"threatening keep"',
    "threatens sausages",
    "https://x.com/other/status/1234568",
    "https://forum.example.net/topic?id=8",
    "a" * 64,
    "!!!",
    "''",
    "\\",
    ":*",
    "& | !",
    '"',
    "=t:smart",
    "=0:0",
    "'=t:smart'",
]


async def test_a_case_is_found_by_each_part_of_it_and_says_which(database: Database) -> None:
    await open_cases(database, TOLD, OTHER)
    await announce(database, piece(TOLD, sha256=SHA, sha256_sent="6a" * 32))
    async with database.transaction() as session:
        all_cases = await listed(session, SAM, CaseFilter(), 5)
        [case] = [one for one in all_cases if one.report_id == TOLD.report_id]
        work = Work(session, SAM, NOW, WRITER)
        case = await cases.claim(work, case.case_id, case.version)
        case = await cases.add_note(work, case.case_id, case.version, "Visible to all of us.", shared=False)
        case = await cases.add_note(work, case.case_id, case.version, "They may apologise.", shared=True)
        await cases.resolve(work, case.case_id, case.version, Outcome.NO_VIOLATION, "It was satire.")
    await swept(database)
    found = {typed: await search(database, typed, SAM) for typed, _ in FOUND}
    assert found == {typed: [Hit(case.case_id, tuple(parts))] for typed, parts in FOUND}
    assert {typed: await search(database, typed, SAM) for typed in NOT_FOUND} == {typed: [] for typed in NOT_FOUND}


async def test_a_reference_is_found_in_any_spelling_and_by_its_beginning(database: Database) -> None:
    await open_cases(database, TOLD, OTHER)
    head, tail = TOLD.reference.removeprefix("SP-").lower().split("-")
    [found] = await search(database, TOLD.reference, SAM)
    spellings = (f"sp {head}{tail}", f"{head} {tail}", f"SP\u2013{head}\u2013{tail}", f"sp-{head}")
    for typed in spellings:
        assert await search(database, typed, SAM) == [found]
    assert await search(database, TOLD.reference, viewer(Team.SIRT)) == []
    assert Sought.read(f"sp {head}{tail}").reference == TOLD.reference
    assert Sought.read(f"sp {head}{tail} please").reference is None
