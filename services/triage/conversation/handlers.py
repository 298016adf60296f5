"""Records who read a conversation: what the reporter wrote is then no longer unread."""

from services.triage.cases import domain, handlers, queries
from services.triage.cases.domain import Case
from services.triage.cases.handlers import Work
from services.triage.cases.writer import Transition

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
