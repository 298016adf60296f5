"""The form for abuse (S1, S2, S3): its questions, and the report that its answers make."""

from dataclasses import replace

from services.intake.abuse_form.domain import as_incident, says_only_incident
from services.intake.abuse_form.options import CHOICES
from services.intake.drafts.domain import Answers
from services.intake.questions import reading, shared_steps
from services.intake.questions.definition import Form
from services.intake.questions.domain import Ask, How, Step, one
from services.intake.questions.shared_steps import which_form
from services.intake.questions.switching import which_form_choice
from services.intake.reports.abuse import AbuseReport
from services.intake.reports.domain import Report
from shared.auth.principal import Principal
from shared.events.vocabulary import AlsoAffects, Behaviour, ContentKind, ContentState, ManagerAlert

SAFETY = Step(
    "safety",
    "Is it safe for you to report now?",
    (Ask("safe", "Is it safe for you to report now?", How.RADIOS),),
    template="abuse/safety.html",
    listed=False,
)
WHERE = Step(
    "where",
    "Where did it happen?",
    (
        Ask("platform", "Website or app", How.SELECT),
        Ask("platform_name", "Its name", How.TEXT),
        Ask("content_kind", "What was it?", How.SELECT),
        Ask("urls", "Links to it", How.LONG_TEXT),
        Ask("handles", "Accounts that did it", How.LONG_TEXT),
        Ask("content_state", "Can it still be seen online?", How.RADIOS),
    ),
    template="abuse/where.html",
)
AT_RISK = Step(
    "at-risk",
    "Is anything else at risk?",
    (
        Ask(
            "also_affects",
            "Is anything else at risk?",
            How.CHECKBOXES,
            "This tells us whether the security team has to help too.",
        ),
    ),
)
WHAT_HAPPENED = replace(
    shared_steps.WHAT_HAPPENED,
    asks=(
        shared_steps.WHAT_HAPPENED.asks[0]._replace(
            hint="In your own words. Write as much or as little as you want, up to 50,000 characters. "
            "You do not have to repeat the abusive words."
        ),
    ),
)
WHO_DID_IT = Step(
    "who-did-it",
    "Do you know who did it?",
    (
        Ask("known", "Do you know who did it?", How.RADIOS),
        Ask("suspected_name", "Their name", How.TEXT),
        Ask("suspected_staff_id", "Their staff number", How.TEXT),
        Ask("suspected_handle", "Their account", How.TEXT),
    ),
    template="abuse/who-did-it.html",
)
STEPS = (
    SAFETY,
    shared_steps.AFFECTED,
    WHERE,
    shared_steps.KIND_OF_ABUSE,
    AT_RISK,
    shared_steps.WHEN,
    WHAT_HAPPENED,
    shared_steps.EVIDENCE,
    WHO_DID_IT,
    shared_steps.MANAGER,
    replace(shared_steps.ABOUT_YOU, template="questions/about-you.html"),
    replace(shared_steps.CONTACT, numbered=False, asked=lambda answers: one(answers, "confidentiality") != "anonymous"),
    which_form("This is about security, not about a person", "abuse/which-form.html", says_only_incident),
)


def to_command(answers: Answers, principal: Principal | None) -> AbuseReport:
    """Return the report that the answers make; what is missing is left empty, and refused later."""
    return AbuseReport(
        reporter=reading.reporter(answers, principal),
        platform=one(answers, "platform"),
        platform_name=reading.platform_name(answers),
        content_kind=reading.enum(ContentKind, answers, "content_kind"),
        content_state=reading.enum(ContentState, answers, "content_state"),
        urls=reading.urls(answers),
        handles=reading.lines(answers, "handles"),
        behaviours=reading.enums(Behaviour, answers, "behaviours"),
        also_affects=reading.enums(AlsoAffects, answers, "also_affects"),
        affected=reading.affected(answers),
        suspected=reading.suspected(answers),
        occurred_at=reading.moment(answers, "occurred_at"),
        narrative=reading.narrative(answers),
        evidence_note=reading.evidence_note(answers),
        manager_alert=reading.enum(ManagerAlert, answers, "manager_alert") or ManagerAlert.ASK_ME_FIRST,
        manager_email=reading.manager_email(answers),
    )


def _aside(answers: Answers) -> str | None:
    """Lead somebody who is not safe to what to do first (Sc-b)."""
    return None if one(answers, "safe") == "yes" else "help-now"


def _notes(report: Report) -> tuple[str, ...]:
    return ("at_risk",) if isinstance(report, AbuseReport) and report.also_affects else ()


FORM = Form(
    name="abuse",
    caption="Report social media abuse",
    steps=STEPS,
    choices={
        **CHOICES,
        **which_form_choice("Go on with the form for security incidents", "Send it with this form all the same"),
    },
    to_command=to_command,
    sends_to="It goes to the Social Media Abuse Response Team (SMART) at once.",
    sent="abuse/sent.html",
    open_to_all=True,
    exits=True,
    to_other={"incident": as_incident},
    aside=_aside,
    notes=_notes,
)
