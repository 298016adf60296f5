"""The form for an exception (C-e, X3): a request with its business case, or notice of what is being done already."""

from services.intake.forms import questions, reader
from services.intake.forms.domain import Answers, Ask, Choice, How, Option, Step, one
from services.intake.forms.forms import Form
from services.intake.forms.questions import CONTACT_CHOICES, PLATFORM
from services.intake.reports.commands import PolicyException
from services.intake.reports.domain import Report
from shared.auth.permissions import Principal
from shared.events.vocabulary import ExceptionKind

KIND = (
    Option("request", "I want to ask for an exception", "Before it is done. It goes to the Security Advice Centre"),
    Option(
        "notice",
        "I want to tell you of something that is being done already",
        "It may need an exception. It goes to the Security Policy and Standards Team at once",
    ),
)


def _asks(answers: Answers) -> bool:
    return one(answers, "kind") == "request"


STEPS = (
    Step("kind", "What do you want to do?", (Ask("kind", "What do you want to do?", How.RADIOS),)),
    Step(
        "activity",
        "What is the activity?",
        (
            Ask(
                "narrative",
                "What is the activity?",
                How.LONG_TEXT,
                "Say what is done, and by whom.",
            ),
            Ask("platform", "Website or app, if there is one", How.SELECT),
        ),
    ),
    Step(
        "business-case",
        "Why does the department need it?",
        (
            Ask("business_case", "The business case", How.LONG_TEXT, "Why it is needed, and what could go wrong."),
            Ask("wanted_until", "Until when do you need it?", How.DAY, "Leave it empty if you do not know."),
        ),
        asked=_asks,
        numbered=False,
    ),
    questions.CONTACT,
)


def to_command(answers: Answers, principal: Principal | None) -> PolicyException:
    """Return the request that the answers make; what is missing is left empty, and refused later."""
    asks = _asks(answers)
    return PolicyException(
        reporter=reader.named_reporter(answers, principal),
        kind=reader.enum(ExceptionKind, answers, "kind") or ExceptionKind.REQUEST,
        narrative=reader.narrative(answers),
        platform=one(answers, "platform"),
        business_case=one(answers, "business_case") if asks else None,
        wanted_until=reader.day(answers, "wanted_until") if asks else None,
    )


def _notes(report: Report) -> tuple[str, ...]:
    return (report.kind,) if isinstance(report, PolicyException) else ()


FORM = Form(
    name="exception",
    caption="Ask for an exception to the policy",
    steps=STEPS,
    choices={**CONTACT_CHOICES, "kind": Choice(KIND, "Select what you want to do"), "platform": Choice(PLATFORM, None)},
    to_command=to_command,
    sends_to="A request goes to the Security Advice Centre, a notice to the Security Policy and Standards Team.",
    sent="exception/sent.html",
    thing="request",
    notes=_notes,
)
