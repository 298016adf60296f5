"""Cases as they are now, as a part of a statement: for whoever asks what people made of a decision."""

from sqlalchemy import Subquery, and_, not_, select, true

from services.triage.cases.access import Viewer
from services.triage.cases.queries import visible_to
from services.triage.cases.tables import CaseRow


def present(viewer: Viewer | None) -> Subquery:
    """Return cases without those that are kept from `viewer`: they are not even counted.

    `named` says whether the viewer may be told the reference here: a case that they may see and that is not restricted.
    Without a viewer (a command at the database) nothing is kept back.
    """
    kept = not_(CaseRow.kept_from.overlap(sorted(viewer.keys))) if viewer else true()
    named = and_(visible_to(viewer), not_(CaseRow.restricted)) if viewer else true()
    columns = (
        CaseRow.case_id,
        CaseRow.report_id,
        CaseRow.link_number,
        CaseRow.reference,
        CaseRow.report_type,
        CaseRow.team,
        CaseRow.transfers,
        CaseRow.restricted,
        named.label("named"),
    )
    return select(*columns).where(kept).subquery("present")
