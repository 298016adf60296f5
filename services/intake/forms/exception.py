"""The form for an exception (C-e, X3): a request with its business case, or notice of what is being done already."""

from services.intake.forms import questions, reader
from services.intake.forms.domain import Answers, one
from services.intake.forms.forms import Form
from services.intake.forms.questions import CONTACT_CHOICES, PLATFORM
from services.intake.forms.steps import Choice, Step
from services.intake.reports.checks import NARRATIVE_LIMIT
from services.intake.reports.commands import PolicyException
from services.intake.reports.domain import Report
from shared.auth.permissions import Principal
from shared.events.vocabulary import ExceptionKind
from shared.web.forms import Field, FormReader, Kind, Option

KIND = (
    Option("request", "I want to ask for an exception", "Ask before you do it. It goes to the Security Advice Centre"),
    Option(
        "notice",
        "I want to tell you about something that is already being done",
        "It may need an exception. It goes to the Security Policy and Standards Team at once",
    ),
)


def _asks(answers: Answers) -> bool:
    return one(answers, "kind") == "request"


STEPS = (
    Step("kind", "What do you want to do?", (Field("kind", "What do you want to do?", Kind.RADIOS),)),
    Step(
        "activity",
        "What is the activity?",
        (
            Field(
                "narrative",
                "What is the activity?",
                Kind.TEXT,
                "Say what is being done, and who is doing it.",
                longest=NARRATIVE_LIMIT,
            ),
            Field("platform", "Website or app, if there is one", Kind.SELECT),
        ),
    ),
    Step(
        "business-case",
        "Why does the department need it?",
        (
            Field(
                "business_case",
                "The business case",
                Kind.TEXT,
                "Why it is needed, and what could go wrong.",
                longest=NARRATIVE_LIMIT,
            ),
            Field("wanted_until", "When do you need it until?", Kind.DAY, "Leave it empty if you do not know."),
        ),
        asked=_asks,
    ),
    questions.FILES,
    questions.CONTACT,
)


def to_command(answers: Answers, principal: Principal | None) -> PolicyException:
    """Return the request that the answers make; what is missing is left empty, and refused later."""
    typed = FormReader(answers)
    asks = _asks(answers)
    return PolicyException(
        reporter=reader.named_reporter(typed, principal),
        kind=typed.choice("kind", ExceptionKind) or ExceptionKind.REQUEST,
        narrative=reader.narrative(typed),
        platform=one(answers, "platform"),
        business_case=reader.text_of(typed, "business_case") if asks else None,
        wanted_until=reader.day(typed, "wanted_until") if asks else None,
    )


def _notes(report: Report) -> tuple[str, ...]:
    return (report.kind,) if isinstance(report, PolicyException) else ()


FORM = Form(
    name="exception",
    caption="Ask for an exception to the policy",
    steps=STEPS,
    choices={**CONTACT_CHOICES, "kind": Choice(KIND, "Select what you want to do"), "platform": Choice(PLATFORM, None)},
    to_command=to_command,
    sent="exception/sent.html",
    told="exception/told.html",
    thing="request",
    notes=_notes,
)
