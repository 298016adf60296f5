"""The form for misuse (R-c, R-d, S4, S5, S9, C-f, C-j): its choices, its questions, and the report they make."""

from collections.abc import Sequence
from dataclasses import replace

from services.intake.forms import questions, reader
from services.intake.forms.domain import Answers, one
from services.intake.forms.forms import Form
from services.intake.forms.steps import Choice, Choices, Step, Wrong
from services.intake.reports.commands import MisuseReport, Subject, canonical
from services.intake.reports.domain import Report
from shared.auth.permissions import Principal
from shared.events.vocabulary import (
    AccountKind,
    AlsoAffects,
    Behaviour,
    Confidentiality,
    Device,
    MisuseBehaviour,
    ReportType,
    YesNoUnsure,
)
from shared.web.forms import Field, FormReader, Kind, Option


def being_abused(answers: Answers) -> bool:
    """Return whether someone is being abused, or may be: a doubt goes to no manager either."""
    return answers.get("being_abused") in {("yes",), ("unsure",)}


def says_abuse(answers: Answers) -> bool:
    """Return whether it is for the abuse team, by any form (S1): abuse by a colleague goes to no manager."""
    return being_abused(answers) or "harassment" in answers.get("misuse", ())


def about_a_failure_to_report(answers: Answers) -> bool:
    """Return whether it is about an incident that was not reported (C-c, C-i)."""
    return "failure_to_report" in answers.get("misuse", ())


def _may_tell_a_manager(answers: Answers) -> bool:
    """Return whether the reporter's own manager may be told: not of misuse that is reported in confidence."""
    if questions.anonymous(answers):
        return False
    return says_abuse(answers) or one(answers, "confidentiality") != Confidentiality.CONFIDENTIAL


def official_account(answers: Answers) -> bool:
    """Return whether an official account is said to be misused: someone else may control it."""
    return answers.get("account_kind") == ("official",)


def as_abuse(answers: Answers) -> Answers:
    """Return what the answers say in the fields of the form for abuse: the subject is who is suspected."""
    subject = {f"suspected_{part}": answers.get(f"subject_{part}", ()) for part in ("name", "staff_id", "handle")}
    harassment = ("harassment",) if "harassment" in answers.get("misuse", ()) else ()
    at_risk = (
        (AlsoAffects.DWP_INFORMATION, answers.get("dwp_information") == ("yes",)),
        (AlsoAffects.ACCOUNT_TAKEN_OVER, official_account(answers) and answers.get("taken_over") == ("yes",)),
    )
    return {
        **subject,
        "known": ("colleague",) if any(subject.values()) else (),
        "behaviours": harassment,
        "also_affects": tuple(risk for risk, said in at_risk if said),
    }


MISUSE = (
    Option("speaks_for_department", "Speaking for DWP without being allowed to", "Answering or announcing in its name"),
    Option("mixed_account", "Work and private life in one account", "One account used for both"),
    Option("association", "Private opinions shown as DWP’s or the government’s", "For example a logo beside them"),
    Option("disclosure", "DWP information shown", "For example a screen, a document or a customer’s details"),
    Option("harassment", "Harassing, discriminating against or lying about someone", "An employee or anyone else"),
    Option("unsanctioned_account", "An account for DWP that no one approved", "Made to look as if DWP runs it"),
    Option("untrained_operator", "Running an official account without training"),
    Option("unapproved_device", "Running an official account from a device that is not approved"),
    Option("failure_to_report", "A security incident that was not reported", "By someone who knew of it"),
    Option("other", "Something else", "You can describe it in your own words later"),
)
ACCOUNT_KIND = (
    Option("official", "An official DWP account", "It speaks for DWP or a jobcentre"),
    Option("professional_individual", "A person’s account for their work at DWP", "Approved, and under their own name"),
    Option("linkedin", "A LinkedIn profile"),
    Option("personal", "A private account"),
    Option("unsure", "I am not sure"),
)
DEVICE = (Option("dwp", "A DWP device"), Option("personal", "Their own device"), Option("unsure", "I do not know"))
ONES_OWN_MANAGER = tuple(
    option._replace(hint="We tell your own manager only after you agree") if option.value == "ask_me_first" else option
    for option in questions.MANAGER_OPTIONS
)
"""The manager of whom the report is about works it, whatever the answer is."""
CHOICES: Choices = {
    **questions.HAPPENED,
    **questions.ABUSE,
    **questions.SIGNED_IN,
    "manager_alert": questions.ABUSE["manager_alert"]._replace(options=ONES_OWN_MANAGER),
    "misuse": Choice(MISUSE, "Select what kind of misuse it is"),
    "being_abused": Choice(questions.YES_NO_UNSURE, "Select whether someone is being abused"),
    "union_activity": Choice(questions.YES_NO_UNSURE, "Select whether it may be union activity"),
    "account_kind": Choice(ACCOUNT_KIND, "Select what kind of account it is"),
    "taken_over": Choice(questions.YES_NO_UNSURE, "Select whether someone else controls the account"),
    "device": Choice(DEVICE, None),
    "own_time": Choice(questions.YES_NO_UNSURE, None),
    "dwp_information": Choice(questions.YES_NO_UNSURE, None),
}


def _subject_is_named(answers: Answers) -> Sequence[Wrong]:
    if any(one(answers, f"subject_{part}") for part in ("name", "staff_id", "handle")):
        return ()
    return (("subject_name", "Enter who it is about, or their account"),)


ABOUT_WHOM = Step(
    "about-whom",
    "Who is it about?",
    (
        Field("subject_name", "Their name", hint="Fill in what you know. One of the three is enough."),
        Field("subject_staff_id", "Their staff number"),
        Field("subject_handle", "Their account", hint="For example @some_account."),
    ),
    also_wrong=_subject_is_named,
)
UNION = Step(
    "union-activity",
    "Could it be union activity?",
    (
        Field(
            "union_activity",
            "Could what was posted be part of a trade union’s debate or campaign?",
            Kind.RADIOS,
            "We ask about what was posted, and never whether anyone is a member of a union. People have a right to "
            "such debate in their own time and from their own account.",
        ),
    ),
)
ACCOUNT = Step(
    "account",
    "What kind of account is it?",
    (Field("account_kind", "What kind of account is it?", Kind.RADIOS),),
)
USE = Step(
    "use",
    "How was the account used?",
    (
        Field("device", "What was it used on?", Kind.RADIOS),
        Field("own_time", "Was it in their own time?", Kind.RADIOS),
        Field("dwp_information", "Does it show DWP information?", Kind.RADIOS),
    ),
    lead=("Answer what you know, and leave out the rest.",),
)
TAKEN_OVER = Step(
    "taken-over",
    "Is someone else in control of the account?",
    (
        Field(
            "taken_over",
            "Has someone else taken control of the official account?",
            Kind.RADIOS,
            "For example, it posts things that DWP never would. The Security Incident Response Team (SIRT) then acts "
            "first.",
        ),
    ),
    asked=official_account,
)
WHERE = Step(
    "where",
    "Where is it?",
    questions.WHERE_IT_CAN_BE_SEEN,
)
STEPS = (
    ABOUT_WHOM,
    Step(
        "misuse",
        "What kind of misuse is it?",
        (Field("misuse", "What kind of misuse is it?", Kind.CHECKBOXES, "Select all that apply."),),
        template="forms/kind.html",
    ),
    Step(
        "incident",
        "Which incident was not reported?",
        (
            Field(
                "related_reference",
                "Reference of the incident, if it has been reported since",
                Kind.LINE,
                "For example SP-4K7Q-9ZT2. Leave it empty if you do not know.",
            ),
        ),
        asked=about_a_failure_to_report,
    ),
    Step(
        "abuse",
        "Is someone being abused?",
        (
            Field(
                "being_abused",
                "Is someone being abused, threatened or exposed by it?",
                Kind.RADIOS,
                "A colleague, a customer or anyone else. Another team looks after them.",
            ),
        ),
    ),
    questions.when_abused(questions.AFFECTED, being_abused),
    questions.when_abused(questions.KIND_OF_ABUSE, being_abused),
    UNION,
    ACCOUNT,
    TAKEN_OVER,
    USE,
    WHERE,
    questions.WHEN,
    questions.WHAT_HAPPENED,
    questions.EVIDENCE,
    questions.ABOUT_YOU,
    questions.CONTACT,
    replace(
        questions.MANAGER.with_hint(
            "manager_alert",
            "The policy asks that your manager is told of misuse that you report. If your manager is involved, or you "
            "do not feel safe, choose another answer. Whatever you answer, a manager of the person it is about may get "
            "the report to work on, without your name. That may be your own manager.",
        ),
        asked=_may_tell_a_manager,
    ),
    questions.which_form("This may be abuse of a person", "misuse/which-form.html", says_abuse),
)


def to_command(answers: Answers, principal: Principal | None) -> MisuseReport:
    """Return the report that the answers make; what is missing is left empty, and refused later."""
    typed = FormReader(answers)
    related, abused = reader.line_of(typed, "related_reference"), being_abused(answers)
    return MisuseReport(
        reporter=reader.named_reporter(typed, principal),
        subject=Subject(
            reader.name_of(typed, "subject_name"),
            reader.line_of(typed, "subject_staff_id"),
            reader.line_of(typed, "subject_handle"),
        ),
        behaviours=typed.choices("misuse", MisuseBehaviour),
        abuse_behaviours=typed.choices("behaviours", Behaviour) if abused else (),
        affected=reader.affected(typed) if abused else (),
        union_activity=typed.choice("union_activity", YesNoUnsure) or YesNoUnsure.UNSURE,
        account_kind=typed.choice("account_kind", AccountKind) or AccountKind.UNSURE,
        device=typed.choice("device", Device) or Device.UNSURE,
        own_time=typed.choice("own_time", YesNoUnsure) or YesNoUnsure.UNSURE,
        dwp_information=typed.choice("dwp_information", YesNoUnsure) or YesNoUnsure.NO,
        taken_over=typed.choice("taken_over", YesNoUnsure) if official_account(answers) else None,
        **reader.occurrence(typed),
        related_reference=(canonical(related) or related) if related and about_a_failure_to_report(answers) else None,
        **reader.who_is_told(typed, asked=_may_tell_a_manager(answers)),
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
        **questions.which_form_choice("Continue with the form for abuse", "Send it with this form anyway"),
    },
    to_command=to_command,
    sent="misuse/sent.html",
    told="misuse/told.html",
    kind=ReportType.MISUSE,
    exits=True,
    to_other={"abuse": as_abuse},
    aliases={"behaviours": "misuse", "abuse_behaviours": "behaviours"},
    notes=_notes,
)
