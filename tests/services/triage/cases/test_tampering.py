"""What someone with the database can change unseen: nothing that a chain, an anchor or a row of a case says."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from httpx import AsyncClient
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.operations.queries import records
from shared.audit import anchors, chain
from shared.audit.tables import activity, chain_head
from shared.audit.verification import Broken, BrokenLink, last_anchor, oldest_unanchored, verify
from shared.auth.permissions import Role
from tests.services.triage.builders import NOW, misuse, open_cases, report
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage

SERVICE = "triage"
EVERY = timedelta(minutes=10)
LONG = "(select chain_id from chain_head where anchored_length >= 3 order by chain_id limit 1)"
LAST_LINK = (
    "create temp table x on commit drop as select LONG as chain_id",
    "delete from activity where chain_id in (select chain_id from x) and position = 3",
    """update chain_head h set length = 2, hash = (select hash from activity a where a.chain_id = h.chain_id
    and a.position = 2) where chain_id in (select chain_id from x)""",
)
ANCHORED = (
    "create temp table z on commit drop as select chain_id from anchored_chain limit 1",
    "delete from activity where chain_id in (select chain_id from z)",
    "delete from chain_head where chain_id in (select chain_id from z)",
)
YOUNG = (
    "create temp table z on commit drop as select chain_id from chain_head where anchored_length = 0 limit 1",
    *ANCHORED[1:],
)
WIPED = ("delete from anchored_chain", "delete from anchor", "update chain_head set anchored_length = 0")
NO_CASE = (
    "delete from deadline",
    "delete from decision",
    "delete from note",
    "delete from case_access",
    """delete from "case" where report_type = 'misuse'""",
)

ATTEMPTS: Mapping[str, tuple[Sequence[str], Broken]] = {
    "actor": (("update activity set actor = 'S9999' where chain_id = LONG and position = 1",), Broken.EDITED),
    "time": (
        ("update activity set at = at + interval '1 h' where chain_id = LONG and position = 2",),
        Broken.EDITED,
    ),
    "after": (
        ("""update activity set after = '{"team": "x"}' where chain_id = LONG and position = 2""",),
        Broken.EDITED,
    ),
    "personal text": (
        ("""update activity set content = replace(content::text, '"text": "', '"text": "Z')::jsonb""",),
        Broken.CONTENT_EDITED,
    ),
    "a link put in another's place": (
        ("update activity set position = -position where chain_id = LONG",),
        Broken.MISSING,
    ),
    "middle link": (("delete from activity where chain_id = LONG and position = 2",), Broken.MISSING),
    "last link, head mended": (LAST_LINK, Broken.ANCHOR_DIFFERS),
    "anchored chain": (ANCHORED, Broken.CHAIN_LOST),
    "and its anchored_chain row": (
        (*ANCHORED, "delete from anchored_chain where chain_id in (select chain_id from z)"),
        Broken.ANCHOR_EDITED,
    ),
    "newest anchor": (
        ("delete from anchor where position = (select max(position) from anchor)",),
        Broken.ANCHOR_LOST,
    ),
    "all anchors": (("delete from anchored_chain", "delete from anchor"), Broken.ANCHOR_LOST),
    "content nulled": (("update activity set content = null",), Broken.CONTENT_LOST),
    "content of one chain nulled": (
        ("update activity set content = null where chain_id = LONG",),
        Broken.CONTENT_LOST,
    ),
    "case rows": (
        ("""update "case" set outcome = 'no_violation_found', state = 'closed', assignee = 'S9999'""",),
        Broken.RECORD_DIFFERS,
    ),
    **{
        f"case: {change}": ((f'update "case" set {change}',), Broken.RECORD_DIFFERS)  # noqa: S608 - our own words
        for change in (
            "team = 'sirt'",
            "priority = 'P4'",
            "version = version + 1",
            "restricted = not restricted",
            "category = 'other'",
            "manager = 'S9999'",
            "withdrawn_at = now()",
            "transfers = 5",
            "held_by = '{sirt}'",
            "kept_from = '{}' || array['id:x']",
            "report_type = 'enquiry'",
            "submitted_at = submitted_at - interval '1 day'",
            "platform = 'other'",
        )
    },
    "case_access": (
        ("""insert into case_access select case_id, 'S1002' from "case" limit 1""",),
        Broken.RECORD_DIFFERS,
    ),
    "case_access taken away": (("delete from case_access",), Broken.RECORD_DIFFERS),
    "narratives": (("update report set narrative = 'forged'",), Broken.RECORD_DIFFERS),
    "whom a report is about": (("""update report set subject = '{"name": "Other"}'""",), Broken.RECORD_DIFFERS),
    "young chain": (YOUNG, Broken.CHAIN_LOST),
    "a chain without its case": (NO_CASE, Broken.RECORD_LOST),
}


async def found(session: AsyncSession, file: Path) -> list[BrokenLink]:
    since = oldest_unanchored(NOW + timedelta(hours=1), EVERY)
    return await verify(session, file, records=records, unanchored_since=since)


async def anchor(triage: Triage, file: Path) -> None:
    """Anchor as a sweep does: until nothing is left."""
    anchored = 1
    while anchored:
        async with triage.database.transaction() as session:
            anchored = await anchors.anchor(session, NOW, file)


async def cases_of_every_kind(triage: Triage, file: Path) -> None:
    """A worked case, a restricted one with a person named, two anchors, and a case that is not anchored yet."""
    told, kept = report(), misuse(found_by="monitoring")
    await open_cases(triage.database, told, kept)
    await anchor(triage, file)
    async with triage.client(Role.SMART_RESPONDER) as sam, triage.client(Role.SIRT_LEAD, subject="S5002") as maria:
        page = f"/cases/{told.reference}"
        await press(sam, page, f"{page}/claim")
        await press(sam, page, f"{page}/note", text="The words of a responder")
        page = f"/cases/{kept.reference}"
        await press(maria, page, f"{page}/name-person", text="S5001")
    await anchor(triage, file)
    await open_cases(triage.database, report())


async def test_no_tampering_goes_unseen(triage: Triage, tmp_path: Path) -> None:
    file = tmp_path / "triage.anchors"
    await cases_of_every_kind(triage, file)
    unseen: dict[str, object] = {}
    async with triage.database.transaction() as session:
        assert await found(session, file) == []
        assert (await last_anchor(session) or (0,))[0] == 2
        for name, (statements, because) in ATTEMPTS.items():
            point = await session.begin_nested()
            for one in statements:
                await session.execute(text(one.replace("LONG", LONG)))
            seen = {broken.because for broken in await found(session, file)}
            if because not in seen:
                unseen[name] = seen
            await point.rollback()
        assert await found(session, file) == []
    assert unseen == {}


async def test_a_file_of_anchors_that_is_gone_or_empty_shows_once_it_should_have_some(
    triage: Triage, tmp_path: Path
) -> None:
    file, empty = tmp_path / "triage.anchors", tmp_path / "empty.anchors"
    empty.touch()
    await cases_of_every_kind(triage, file)
    async with triage.database.transaction() as session:
        for gone in (tmp_path / "nowhere", empty):
            assert Broken.ANCHORS_FILE_LOST in {broken.because for broken in await found(session, gone)}
        for statement in WIPED:
            await session.execute(text(statement))
        for gone in (tmp_path / "nowhere", empty):
            assert [broken.because for broken in await found(session, gone)] == [Broken.ANCHORS_FILE_LOST]
            young = await verify(session, gone, records=records, unanchored_since=oldest_unanchored(NOW, EVERY))
            assert young == []
        await session.rollback()


async def written_as_before(session: AsyncSession) -> None:
    """Rewrite each chain as it was written before links had versions and said the state."""
    heads: dict[object, bytes] = {}
    for row in (await session.execute(select(activity).order_by(activity.c.chain_id, activity.c.position))).all():
        kept = {name: value for name, value in row.content.items() if not name.startswith("state:")}
        digests = {name: row.digests[name] for name in kept}
        fields = (row.id, row.at, row.actor, row.action, row.before, row.after, digests)
        head = chain.Link(row.chain_id, row.position, *fields).hash(heads.get(row.chain_id, chain.GENESIS))
        heads[row.chain_id] = head
        same = (activity.c.chain_id == row.chain_id, activity.c.position == row.position)
        await session.execute(update(activity).where(*same).values(content=kept, digests=digests, hash=head))
    for chain_id, head in heads.items():
        await session.execute(update(chain_head).where(chain_head.c.chain_id == chain_id).values(hash=head))


async def test_chains_from_before_are_compared_in_what_they_say(triage: Triage, sam: AsyncClient) -> None:
    """Their erased content left no link, and their reports and access lists no trace; the next link says the rest."""
    told = report()
    await open_cases(triage.database, told)
    page = f"/cases/{told.reference}"
    await press(sam, page, f"{page}/claim")
    async with triage.database.transaction() as session:
        await written_as_before(session)
        assert await verify(session, records=records) == []
    for change, differs in (
        ("update activity set content = null", []),
        ("update report set narrative = 'forged'", []),
        ("""update "case" set team = 'sirt'""", [("team",)]),
        ("""update "case" set assignee = 'S9'""", [("assignee",)]),
    ):
        async with triage.database.transaction() as session:
            await session.execute(text(change))
            assert [broken.fields for broken in await verify(session, records=records)] == differs
            await session.rollback()
    await press(sam, page, f"{page}/claim")
    async with triage.database.transaction() as session:
        assert await verify(session, records=records) == []
        await session.execute(text("""update "case" set restricted = true"""))
        assert [broken.fields for broken in await verify(session, records=records)] == [("case",)]
        await session.rollback()
