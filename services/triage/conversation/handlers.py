"""Records who read a conversation: what the reporter wrote is then no longer unread. Stores and fills in templates."""

from dataclasses import asdict, replace

from sqlalchemy import insert, select, update

from services.triage.cases import domain, handlers, queries, views
from services.triage.cases.domain import Case
from services.triage.cases.handlers import Work
from services.triage.cases.writer import Transition
from services.triage.conversation.domain import (
    NotYourTemplate,
    ReplyTemplate,
    TemplateChanged,
    TemplateNotFound,
    filled,
    require_known_fields,
)
from services.triage.conversation.tables import ReplyTemplateRow

READ = "conversation_read"


async def note_reading(work: Work, case: Case) -> bool:
    """Record that a responder reads a conversation, once for each visit; it stays unread.

    Return whether this begins a visit.
    """
    return await handlers.visit(work, case.case_id, READ)


async def read(work: Work, case: Case) -> tuple[Case, bool]:
    """Record that a responder reads a conversation, after which nothing in it is unread.

    Return the case as it was, and whether this begins a visit.

    The case is locked before anything is shown: what comes meanwhile waits for that, and is unread again. Who may not
    see what people wrote has not read it.
    """
    if case.replied_at is None or not work.viewer.sees_content:
        return case, await note_reading(work, case)
    locked = await queries.lock(work.session, work.viewer, case.case_id)
    seen = domain.seen(locked.case)
    done = Transition(locked, seen, READ, work.viewer.subject, says={"reply": "read"})
    await work.writer.record(work.session, [done], work.now)
    return locked.case, True


def filled_for(text: str, case: Case, platform: str, name: str | None) -> str:
    """Return the text of a template with its fields as one case fills them in.

    Args:
        text: what has fields in braces.
        case: the case whose reporter will read it.
        platform: where it happened, by its code.
        name: of the person who writes.
    """
    values = {
        "reference": case.reference,
        "team": views.SHORT_TEAM_NAMES[case.team],
        "platform": views.platform(platform),
        "kind": views.TYPES[case.report_type].lower(),
        "name": name or "",
    }
    return filled(text, values)


async def save_template(work: Work, new: ReplyTemplate, read: int) -> ReplyTemplate:
    """Store a template, or its next version, which may withdraw it. Every version is kept.

    Raises:
        NotYourTemplate: the viewer does not lead its team.
        NoSuchField: the text has a field that no case fills in.
        TemplateNotFound, TemplateChanged: it is not there any more, or not as it was read.
    """
    if new.team not in work.viewer.leads:
        raise NotYourTemplate
    require_known_fields(new.text)
    table = ReplyTemplateRow.table()
    of_it = (table.c.template_id == new.template_id, table.c.team == new.team)
    newest = select(table.c.version, table.c.current).where(*of_it).order_by(table.c.version.desc()).limit(1)
    kept = (await work.session.execute(newest.with_for_update())).first()
    if read and (kept is None or not kept.current):
        raise TemplateNotFound
    if (kept.version if kept else 0) != read:
        raise TemplateChanged
    await work.session.execute(update(table).where(*of_it).values(current=False))
    stored = replace(new, version=read + 1, owner=work.viewer.subject, written_at=work.now)
    await work.session.execute(insert(table), [asdict(stored)])
    return stored
