"""Records vetting. Whoever it is about passes or fails the gates of their accounts in the same moment (Sc-c)."""

from services.registry.context.domain import same_person
from services.registry.context.work import Work
from services.registry.vetting.domain import Clearance
from services.registry.vetting.tables import VettingRow


class OwnVetting(Exception):
    """Somebody else records what concerns one's own vetting."""


async def record(work: Work, clearance: Clearance) -> None:
    """Record what somebody holds from now on; no level says that they hold none.

    Raises:
        OwnVetting: it is about whoever records it.
    """
    if same_person(clearance.staff_id, work.person):
        raise OwnVetting
    work.session.add(
        VettingRow(
            id=work.ids.uuid(),
            staff_id=clearance.staff_id,
            level=clearance.level,
            expires_on=clearance.expires_on if clearance.level else None,
            recorded_by=work.actor,
            recorded_at=work.now,
        )
    )
    await work.session.flush()
    await work.observers.people_changed(work, [clearance.staff_id])
