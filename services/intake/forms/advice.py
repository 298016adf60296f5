"""The form for advice (X1, X3): who to ask at once, and a question that gets an answer."""

from services.intake.forms import questions, reader
from services.intake.forms.domain import Answers
from services.intake.forms.forms import Form
from services.intake.forms.steps import Choice, Step
from services.intake.reports.checks import NARRATIVE_LIMIT
from services.intake.reports.commands import Enquiry
from shared.auth.permissions import Principal
from shared.events.vocabulary import EnquiryTopic
from shared.web.forms import Field, FormReader, Kind, Option

ABOUT = (
    Option("policy", "What the policy or the Social Media Standard asks"),
    Option("account", "An account: a new one, or one I have"),
    Option("training", "Training"),
    Option("requirement", "Something that my work needs and the policy does not cover"),
    Option("other", "Something else"),
)
STEPS = (
    Step(
        "topic",
        "What is it about?",
        (Field("about", "What is your question about?", Kind.RADIOS),),
        template="advice/topic.html",
    ),
    Step(
        "question",
        "What do you want to know?",
        (Field("narrative", "What do you want to know?", Kind.TEXT, "In your own words.", longest=NARRATIVE_LIMIT),),
    ),
    questions.FILES,
    questions.CONTACT,
)


def to_command(answers: Answers, principal: Principal | None) -> Enquiry:
    """Return the enquiry that the answers make; what is missing is left empty, and refused later."""
    typed = FormReader(answers)
    return Enquiry(
        reporter=reader.named_reporter(typed, principal),
        about=typed.choice("about", EnquiryTopic) or EnquiryTopic.OTHER,
        narrative=reader.narrative(typed),
    )


FORM = Form(
    name="advice",
    caption="Ask for advice",
    steps=STEPS,
    choices={**questions.CONTACT_CHOICES, "about": Choice(ABOUT, "Select what your question is about")},
    to_command=to_command,
    sent="advice/sent.html",
    told="advice/told.html",
    thing="question",
)
