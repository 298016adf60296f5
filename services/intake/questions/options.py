"""What can be chosen on more than one form, in plain words.

Definitions are ours; the policy's own words are behind the link to it.
"""

from services.intake.questions.domain import Choice, Choices, Option
from shared.events.platforms import PLATFORMS

AFFECTED = (
    Option("self", "Me"),
    Option("colleague", "A colleague"),
    Option("customer", "A customer"),
    Option("public", "Another member of the public"),
    Option("group", "A team or a group of people"),
)
PLATFORM = tuple(Option(slug, "Somewhere else" if slug == "other" else label) for slug, label in PLATFORMS.items())
CONTENT_STATE = (
    Option("online", "Yes"),
    Option("deleted", "No, it was deleted"),
    Option("private", "It is private: only some people can see it"),
    Option("never_online", "It was never online", "For example a threat to post something"),
    Option("unsure", "I am not sure"),
)
BEHAVIOURS = (
    Option("harassment", "Harassment", "Unwanted contact or comments that upset, frighten or humiliate somebody"),
    Option("threat", "A threat", "Saying that somebody will be hurt, or something of theirs damaged"),
    Option("doxing", "Publishing private details", "Doxing: putting a home address, phone number or family online"),
    Option("trolling", "Trolling", "Provoking people on purpose to get a reaction, for fun or for gain"),
    Option("cyberbullying", "Online bullying", "Picking on somebody again and again, alone or as a group"),
    Option("cyberstalking", "Online stalking", "Following or watching somebody online so that they feel unsafe"),
    Option("discrimination", "Discrimination", "Abuse because of race, religion, sex, disability, age or who they are"),
    Option("defamation", "Lies about somebody", "Defamation: false claims that damage how others see a person"),
    Option(
        "unauthorised_recording",
        "Recording without agreement",
        "Filming somebody, or recording a call, and sharing it or threatening to",
    ),
    Option("impersonation", "Pretending to be somebody", "An account or message made to look like a real person"),
    Option("intimate_image", "An intimate picture or video", "Shared, or threatened to be, without agreement"),
    Option("other", "Something else", "You can describe it in your own words later"),
)
EVIDENCE = (
    Option("screenshots", "Screenshots"),
    Option("messages", "Messages or emails"),
    Option("recording", "A recording"),
    Option("witness", "Somebody else who saw it"),
    Option("blocked", "I cannot open it: it is blocked on our network"),
)
KNOWN = (
    Option("unknown", "No"),
    Option("colleague", "Yes, or I suspect a colleague"),
    Option("customer", "Yes, or I suspect a customer"),
    Option("public", "Yes, or I suspect somebody else"),
)
MANAGER = (
    Option("yes", "Yes, tell my manager"),
    Option("someone_else", "Tell somebody else instead"),
    Option("ask_me_first", "Ask me first", "The response team talks to you before anybody is told"),
    Option("no", "No, do not tell my manager"),
)
CONFIDENTIALITY = (
    Option("named", "In my name", "The teams that work on your report know who you are."),
    Option("confidential", "In confidence", "Only the response team knows who you are."),
    Option("anonymous", "Without saying who I am", "We keep nothing about you: no name, no address, no device."),
)
WORKER_KIND = (
    Option("employee", "An employee"),
    Option("contractor", "A contractor"),
    Option("consultant", "A consultant"),
    Option("alb_staff", "Staff of an arm’s length body"),
    Option("other_worker", "Another kind of worker"),
    Option("public", "A member of the public"),
)
YES_NO_UNSURE = (Option("yes", "Yes"), Option("no", "No"), Option("unsure", "I am not sure"))

EVIDENCE_CHOICES: Choices = {"evidence": Choice(EVIDENCE, None, many=True)}
HAPPENED: Choices = {
    "platform": Choice(PLATFORM, "Select where it happened"),
    "content_state": Choice(CONTENT_STATE, None),
    **EVIDENCE_CHOICES,
}
"""Of everything that happened somewhere."""
ABUSE: Choices = {
    "affected": Choice(AFFECTED, "Select who is affected", many=True),
    "behaviours": Choice(BEHAVIOURS, "Select what kind of abuse it is", many=True),
    "manager_alert": Choice(MANAGER, "Select whether it is safe for your manager to know"),
}
CONTACT: Choices = {"worker_kind": Choice(WORKER_KIND, None)}
IN_SOMEBODYS_NAME: Choices = {
    "confidentiality": Choice(CONFIDENTIALITY[:2], "Select how you want to report"),
    **CONTACT,
}
