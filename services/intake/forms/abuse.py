"""The form for abuse (S1, S2, S3): its choices, its questions, and the report that its answers make."""

from dataclasses import replace

from services.intake.forms import questions, reader
from services.intake.forms.domain import Answers, one
from services.intake.forms.forms import Form
from services.intake.forms.steps import Choice, Choices, Step
from services.intake.reports.commands import AbuseReport
from services.intake.reports.domain import Report
from shared.auth.permissions import Principal
from shared.events.vocabulary import AlsoAffects, Behaviour, ContentKind, Effect
from shared.web.forms import Field, FormReader, Kind, Option

NOTHING_ELSE = "none"


def says_only_incident(answers: Answers) -> bool:
    """Return whether nothing of it is abuse of a person, but something of the department is at risk."""
    at_risk = set(answers.get("also_affects", ())) - {NOTHING_ELSE}
    return bool(at_risk) and set(answers.get("behaviours", ())) == {"other"}


def as_incident(answers: Answers) -> Answers:
    """Return what the answers say in the fields of the form for security incidents."""
    at_risk = set(answers.get("also_affects", ()))
    taken_over = AlsoAffects.ACCOUNT_TAKEN_OVER in at_risk
    account = taken_over or AlsoAffects.SANCTIONED_ACCOUNT in at_risk
    effects = (
        (Effect.ACCESS, AlsoAffects.SYSTEM in at_risk or account),
        (Effect.DISCLOSURE, AlsoAffects.DWP_INFORMATION in at_risk),
    )
    return {
        "effects": tuple(effect for effect, said in effects if said),
        "asset_owner": ("dwp",),
        "social_account": ("yes",) if account else (),
        "account_platform": answers.get("platform", ()) if account else (),
        "taken_over": ("yes",) if taken_over else (),
        "being_abused": ("no",) if says_only_incident(answers) else (),
    }


SAFE = (
    Option("yes", "Yes, I can report now"),
    Option("no", "No, someone could see my screen or stop me"),
    Option("danger", "Someone is in immediate danger"),
)
CONTENT_KIND = (
    Option("post", "A post"),
    Option("comment", "A comment or reply"),
    Option("message", "A private message"),
    Option("image", "A picture"),
    Option("video", "A video"),
    Option("video_recording", "A video recording of someone, made without their agreement"),
    Option("call_recording", "A recording of a call, made without agreement"),
    Option("review", "A review"),
    Option("chatroom", "A chatroom"),
    Option("forum", "A forum"),
    Option("blog", "A blog"),
    Option("profile", "A profile or an account"),
    Option("other", "Something else"),
)
ALSO_AFFECTS = (
    Option(
        AlsoAffects.DWP_INFORMATION,
        "DWP information",
        "For example a screenshot of a DWP system, or customers' details",
    ),
    Option(AlsoAffects.SYSTEM, "A DWP computer system or device", "For example a suspicious link that someone opened"),
    Option(AlsoAffects.SANCTIONED_ACCOUNT, "An official DWP account", "Someone is trying to get control of it"),
    Option(AlsoAffects.ACCOUNT_TAKEN_OVER, "An official DWP account was taken over", "Someone else is posting from it"),
)
CHOICES: Choices = {
    **questions.HAPPENED,
    **questions.ABUSE,
    **questions.CONTACT_CHOICES,
    "safe": Choice(SAFE, "Select whether it is safe for you to report now"),
    "content_kind": Choice(CONTENT_KIND, None),
    "also_affects": Choice(
        (*ALSO_AFFECTS, Option(NOTHING_ELSE, "None of these, or I do not know")),
        "Select what else is at risk, or ‘None of these’",
        alone=NOTHING_ELSE,
    ),
    "known": Choice(questions.KNOWN, "Select whether you know who did it"),
    "confidentiality": Choice(questions.CONFIDENTIALITY, "Select how you want to report"),
    "tell_someone": questions.TELL_SOMEONE_CHOICE,
}


def _may_tell_a_manager(answers: Answers) -> bool:
    """Return whether a manager is asked about: what could give an anonymous reporter away is for them to bring up."""
    return not questions.anonymous(answers) or one(answers, "tell_someone") == "yes"


SAFETY = Step(
    "safety",
    "Is it safe for you to report now?",
    (Field("safe", "Is it safe for you to report now?", Kind.RADIOS),),
    template="abuse/safety.html",
    listed=False,
)
WHERE = Step(
    "where",
    "Where did it happen?",
    (
        Field("platform", "Website or app", Kind.SELECT),
        questions.PLATFORM_NAME,
        Field("content_kind", "What was it?", Kind.SELECT),
        Field(
            "urls",
            "Links to it",
            Kind.TEXT,
            "Copy the address of the post, comment or profile. One on each line. Leave empty if you have none.",
        ),
        Field(
            "handles",
            "Accounts that did it",
            Kind.TEXT,
            "For example @some_account. One on each line. Leave empty if you do not know.",
        ),
        Field("content_state", "Can it still be seen online?", Kind.RADIOS),
    ),
)
AT_RISK = Step(
    "at-risk",
    "Is anything else at risk?",
    (
        Field(
            "also_affects",
            "Is anything else at risk?",
            Kind.CHECKBOXES,
            "This tells us whether the security team has to help too.",
        ),
    ),
)
WHAT_HAPPENED = questions.WHAT_HAPPENED.with_hint(
    "narrative",
    "In your own words. Write as much or as little as you want. You do not have to repeat the abusive words.",
)
WHO_DID_IT = Step(
    "who-did-it",
    "Do you know who did it?",
    (
        Field(
            "known",
            "Do you know who did it?",
            Kind.RADIOS,
            "A suspicion is enough. We never tell the person you name.",
        ),
        Field("suspected_name", "Their name", hint="Leave these three empty if you do not know."),
        Field("suspected_staff_id", "Their staff number", Kind.ID, "If they are a colleague and you know it."),
        Field("suspected_handle", "Their account", hint="For example @some_account"),
    ),
    template="forms/heading-first.html",
)
STEPS = (
    SAFETY,
    questions.AFFECTED,
    WHERE,
    questions.KIND_OF_ABUSE,
    AT_RISK,
    questions.WHEN,
    WHAT_HAPPENED,
    questions.EVIDENCE,
    WHO_DID_IT,
    replace(
        questions.ABOUT_YOU, asks=(*questions.ABOUT_YOU.asks, questions.TELL_SOMEONE), template="forms/about-you.html"
    ),
    questions.CONTACT,
    replace(questions.MANAGER, asked=_may_tell_a_manager),
    questions.which_form("This is about security, not about a person", "abuse/which-form.html", says_only_incident),
)


def to_command(answers: Answers, principal: Principal | None) -> AbuseReport:
    """Return the report that the answers make; what is missing is left empty, and refused later."""
    typed = FormReader(answers)
    return AbuseReport(
        reporter=reader.reporter(typed, principal),
        **reader.occurrence(typed),
        content_kind=typed.choice("content_kind", ContentKind),
        behaviours=typed.choices("behaviours", Behaviour),
        also_affects=typed.choices("also_affects", AlsoAffects),
        affected=reader.affected(typed),
        suspected=reader.suspected(typed),
        **reader.who_is_told(typed, asked=_may_tell_a_manager(answers)),
    )


def _aside(answers: Answers) -> str | None:
    """Return the page with what to do first, for a reporter who is not safe (Sc-b)."""
    return None if one(answers, "safe") == "yes" else "help-now"


def _notes(report: Report) -> tuple[str, ...]:
    return ("at_risk",) if isinstance(report, AbuseReport) and report.also_affects else ()


FORM = Form(
    name="abuse",
    caption="Report social media abuse",
    steps=STEPS,
    choices={
        **CHOICES,
        **questions.which_form_choice("Continue with the form for security incidents", "Send it with this form anyway"),
    },
    to_command=to_command,
    sent="abuse/sent.html",
    told="abuse/told.html",
    open_to_all=True,
    exits=True,
    to_other={"incident": as_incident},
    aside=_aside,
    notes=_notes,
)
