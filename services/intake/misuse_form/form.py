"""The form for misuse (R-c, R-d, S4, S5, S9, C-f, C-j): its questions, and the report that its answers make."""

from collections.abc import Sequence
from dataclasses import replace

from services.intake.drafts.domain import Answers
from services.intake.misuse_form.domain import (
    about_a_failure_to_report,
    as_abuse,
    being_abused,
    official_account,
    says_abuse,
)
from services.intake.misuse_form.options import CHOICES
from services.intake.questions import reading, shared_steps
from services.intake.questions.definition import Form
from services.intake.questions.domain import Ask, How, Step, Wrong, one
from services.intake.questions.shared_steps import when_abused, which_form
from services.intake.questions.switching import which_form_choice
from services.intake.reports.domain import Report
from services.intake.reports.misuse import MisuseReport, Subject, canonical
from shared.auth.principal import Principal
from shared.events.vocabulary import (
    AccountKind,
    Behaviour,
    ContentState,
    Device,
    FoundBy,
    ManagerAlert,
    MisuseBehaviour,
    YesNoUnsure,
)


def _somebody_is_named(answers: Answers) -> Sequence[Wrong]:
    if any(one(answers, f"subject_{part}") for part in ("name", "staff_id", "handle")):
        return ()
    return (("subject_name", "Enter who it is about, or their account"),)


ABOUT_WHOM = Step(
    "about-whom",
    "Who is it about?",
    (
        Ask("subject_name", "Their name", How.TEXT, "Fill in what you know. One of the three is enough."),
        Ask("subject_staff_id", "Their staff number", How.TEXT),
        Ask("subject_handle", "Their account", How.TEXT, "For example @some_account."),
    ),
    also_wrong=_somebody_is_named,
)
UNION = Step(
    "union-activity",
    "Could it be union activity?",
    (
        Ask(
            "union_activity",
            "Could what was posted be part of a trade union’s debate or campaign?",
            How.RADIOS,
            "We ask about what was posted, and never whether anybody is a member of a union. In one’s own time and "
            "from one’s own account, such debate is a right.",
        ),
    ),
)
ACCOUNT = Step(
    "account",
    "Which account, and how was it used?",
    (
        Ask("account_kind", "What kind of account is it?", How.RADIOS),
        Ask("device", "What was it used on, if you know?", How.RADIOS),
        Ask("own_time", "Was it in their own time, if you know?", How.RADIOS),
        Ask("dwp_information", "Does it show information of DWP?", How.RADIOS),
    ),
)
TAKEN_OVER = Step(
    "taken-over",
    "Is somebody else in control of the account?",
    (
        Ask(
            "taken_over",
            "Has somebody else taken control of the official account?",
            How.RADIOS,
            "For example it posts what DWP never would. The Security Incident Response Team (SIRT) then acts first.",
        ),
    ),
    asked=official_account,
    numbered=False,
)
WHERE = Step(
    "where",
    "Where is it?",
    shared_steps.WHERE_IT_CAN_BE_SEEN,
)
STEPS = (
    ABOUT_WHOM,
    Step(
        "misuse",
        "What kind of misuse is it?",
        (Ask("misuse", "What kind of misuse is it?", How.CHECKBOXES, "Select all that fit."),),
        template="questions/kind.html",
    ),
    Step(
        "incident",
        "Which incident was not reported?",
        (
            Ask(
                "related_reference",
                "Reference of the incident, if it was reported since",
                How.TEXT,
                "For example SP-4K7Q-9ZT2. Leave it empty if you do not know.",
            ),
        ),
        asked=about_a_failure_to_report,
        numbered=False,
    ),
    Step(
        "abuse",
        "Is somebody being abused?",
        (
            Ask(
                "being_abused",
                "Is somebody being abused, threatened or exposed by it?",
                How.RADIOS,
                "A colleague, a customer or anybody else. Another team looks after them.",
            ),
        ),
    ),
    when_abused(shared_steps.AFFECTED, being_abused),
    when_abused(shared_steps.KIND_OF_ABUSE, being_abused),
    UNION,
    ACCOUNT,
    TAKEN_OVER,
    WHERE,
    shared_steps.WHEN,
    shared_steps.WHAT_HAPPENED,
    shared_steps.EVIDENCE,
    replace(shared_steps.MANAGER, template="misuse/manager.html"),
    shared_steps.ABOUT_YOU,
    shared_steps.CONTACT,
    which_form("This may be abuse of a person", "misuse/which-form.html", says_abuse),
)


def to_command(answers: Answers, principal: Principal | None) -> MisuseReport:
    """Return the report that the answers make; what is missing is left empty, and refused later."""
    related, abused = one(answers, "related_reference"), being_abused(answers)
    return MisuseReport(
        reporter=reading.named_reporter(answers, principal),
        subject=Subject(*(one(answers, f"subject_{part}") for part in ("name", "staff_id", "handle"))),
        behaviours=reading.enums(MisuseBehaviour, answers, "misuse"),
        abuse_behaviours=reading.enums(Behaviour, answers, "behaviours") if abused else (),
        affected=reading.affected(answers) if abused else (),
        union_activity=reading.enum(YesNoUnsure, answers, "union_activity") or YesNoUnsure.UNSURE,
        account_kind=reading.enum(AccountKind, answers, "account_kind") or AccountKind.UNSURE,
        device=reading.enum(Device, answers, "device") or Device.UNSURE,
        own_time=reading.enum(YesNoUnsure, answers, "own_time") or YesNoUnsure.UNSURE,
        dwp_information=reading.enum(YesNoUnsure, answers, "dwp_information") or YesNoUnsure.NO,
        taken_over=reading.enum(YesNoUnsure, answers, "taken_over") if official_account(answers) else None,
        platform=one(answers, "platform"),
        platform_name=reading.platform_name(answers),
        content_state=reading.enum(ContentState, answers, "content_state"),
        urls=reading.urls(answers),
        handles=reading.lines(answers, "handles"),
        occurred_at=reading.moment(answers, "occurred_at"),
        narrative=reading.narrative(answers),
        evidence_note=reading.evidence_note(answers),
        related_reference=(canonical(related) or related) if related and about_a_failure_to_report(answers) else None,
        found_by=FoundBy.PERSON,
        manager_alert=reading.enum(ManagerAlert, answers, "manager_alert") or ManagerAlert.ASK_ME_FIRST,
        manager_email=reading.manager_email(answers),
    )


def _notes(report: Report) -> tuple[str, ...]:
    abuse = isinstance(report, MisuseReport) and (
        report.abuse_behaviours or MisuseBehaviour.HARASSMENT in report.behaviours
    )
    taken_over = isinstance(report, MisuseReport) and report.taken_over is YesNoUnsure.YES
    return tuple(note for note, said in (("abuse", abuse), ("taken_over", taken_over)) if said)


FORM = Form(
    name="misuse",
    caption="Report misuse of social media",
    steps=STEPS,
    choices={
        **CHOICES,
        **which_form_choice("Go on with the form for abuse", "Send it with this form all the same"),
    },
    to_command=to_command,
    sends_to="It goes to the people who decide about it at once. Who it is about does not learn who reported it.",
    sent="misuse/sent.html",
    exits=True,
    to_other={"abuse": as_abuse},
    aliases={"behaviours": "misuse", "abuse_behaviours": "behaviours"},
    notes=_notes,
)
