"""The form for security incidents (C-c, C-i), and the suppliers' own way in."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from services.intake.drafts.domain import Answers
from services.intake.incident_form.domain import account_involved, as_abuse, people, says_abuse
from services.intake.incident_form.options import CHOICES
from services.intake.incident_form.steps import STEPS, supplier_fields, supplier_step
from services.intake.questions import reading
from services.intake.questions.definition import Form
from services.intake.questions.domain import one
from services.intake.questions.switching import which_form_choice
from services.intake.reports.domain import Report, default_manager_alert
from services.intake.reports.incident import AccountInvolved, IncidentReport
from shared.auth.permissions import Permission
from shared.auth.principal import Principal
from shared.events.vocabulary import (
    AssetOwner,
    Behaviour,
    Channel,
    Circumstance,
    ContentState,
    Effect,
    FoundBy,
    ManagerAlert,
    YesNoUnsure,
)


def to_command(answers: Answers, principal: Principal | None, supplier_labels: Sequence[str] = ()) -> IncidentReport:
    """Return the referral that the answers make; what is missing is left empty, and refused later."""
    reporter, abuse = reading.named_reporter(answers, principal), says_abuse(answers)
    supplier = principal is not None and principal.may(Permission.REPORT_AS_SUPPLIER)
    said = [(label, one(answers, name)) for name, label in supplier_fields(supplier_labels)]
    alert = reading.enum(ManagerAlert, answers, "manager_alert") if abuse else None
    return IncidentReport(
        reporter=reporter,
        channel=Channel.SUPPLIER if supplier else Channel.STAFF,
        effects=reading.enums(Effect, answers, "effects"),
        circumstances=reading.enums(Circumstance, answers, "circumstances"),
        asset_owner=reading.enum(AssetOwner, answers, "asset_owner") or AssetOwner.UNSURE,
        asset_note=". ".join(text for text in (one(answers, "asset_note"), reading.labelled(*said)) if text) or None,
        occurred_at=reading.moment(answers, "occurred_at"),
        discovered_at=reading.moment(answers, "discovered_at"),
        still_happening=reading.enum(YesNoUnsure, answers, "still_happening") or YesNoUnsure.UNSURE,
        personal_data=reading.enum(YesNoUnsure, answers, "personal_data") or YesNoUnsure.UNSURE,
        people_affected=_people(answers),
        own_mistake=one(answers, "own_mistake") == "yes",
        account=_account(answers),
        behaviours=reading.enums(Behaviour, answers, "behaviours") if abuse else (),
        affected=reading.affected(answers) if abuse else (),
        suspected=reading.suspected(answers),
        platform=one(answers, "platform"),
        platform_name=reading.platform_name(answers),
        content_state=reading.enum(ContentState, answers, "content_state"),
        urls=reading.urls(answers),
        handles=reading.lines(answers, "handles"),
        narrative=reading.narrative(answers),
        evidence_note=reading.evidence_note(answers),
        manager_alert=alert or default_manager_alert(reporter, FoundBy.PERSON),
        manager_email=reading.manager_email(answers) if abuse else None,
    )


def _people(answers: Answers) -> int | None:
    try:
        return people(one(answers, "people_affected"))
    except ValueError:
        return None


def _account(answers: Answers) -> AccountInvolved | None:
    platform = one(answers, "account_platform")
    if not account_involved(answers) or platform is None:
        return None
    taken_over = reading.enum(YesNoUnsure, answers, "taken_over") or YesNoUnsure.UNSURE
    return AccountInvolved(platform, one(answers, "account_handle"), taken_over)


def _notes(report: Report) -> tuple[str, ...]:
    if not isinstance(report, IncidentReport):
        return ()
    return tuple(note for note, said in (("mistake", report.own_mistake), ("abuse", report.behaviours)) if said)


FORM = Form(
    name="incident",
    caption="Report a security incident",
    steps=STEPS,
    choices={
        **CHOICES,
        **which_form_choice("Go on with the form for abuse", "Send it with this form all the same"),
    },
    to_command=to_command,
    sends_to="It goes to the Security Incident Response Team (SIRT) at once.",
    sent="incident/sent.html",
    exits=True,
    to_other={"abuse": as_abuse},
    understands=frozenset({"platform", "known", "suspected_name", "suspected_staff_id", "suspected_handle"}),
    notes=_notes,
)


def supplier_form(text: str, labels: Sequence[str]) -> Form:
    """Return the form that suppliers and third parties begin with their own questions."""
    return replace(
        FORM,
        name="supplier-incident",
        caption="Report a security incident as a supplier",
        steps=(supplier_step(text, labels), *STEPS),
        to_command=partial(to_command, supplier_labels=tuple(labels)),
        needs=Permission.REPORT_AS_SUPPLIER,
    )
