"""What can be chosen, in plain words. Definitions are ours; the policy's own words are behind the link to it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shared.events.platforms import PLATFORMS


class Option(NamedTuple):
    """One choice."""

    value: str
    label: str
    hint: str | None = None


SAFE = (
    Option("yes", "Yes, I can report now"),
    Option("no", "No, somebody could see my screen or stop me"),
    Option("danger", "Somebody is in immediate danger"),
)
AFFECTED = (
    Option("self", "Me"),
    Option("colleague", "A colleague"),
    Option("customer", "A customer"),
    Option("public", "Another member of the public"),
    Option("group", "A team or a group of people"),
)
PLATFORM = tuple(Option(slug, "Somewhere else" if slug == "other" else label) for slug, label in PLATFORMS.items())
CONTENT_KIND = (
    Option("post", "A post"),
    Option("comment", "A comment or reply"),
    Option("message", "A private message"),
    Option("image", "A picture"),
    Option("video", "A video"),
    Option("video_recording", "A video recording of somebody, made without their agreement"),
    Option("call_recording", "A recording of a call, made without agreement"),
    Option("review", "A review"),
    Option("chatroom", "A chatroom"),
    Option("forum", "A forum"),
    Option("blog", "A blog"),
    Option("profile", "A profile or an account"),
    Option("other", "Something else"),
)
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
NOTHING_ELSE = "none"
ALSO_AFFECTS = (
    Option("dwp_information", "DWP information", "For example a screenshot of a DWP system, or customers' details"),
    Option("system", "A DWP computer system or device", "For example a suspicious link that somebody opened"),
    Option("sanctioned_account", "An official DWP account", "Somebody is trying to get control of it"),
    Option("account_taken_over", "An official DWP account was taken over", "Somebody else is posting from it"),
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


class Choice(NamedTuple):
    """A field that takes some of the values of `options`."""

    options: Sequence[Option]
    needed: str | None
    """What to say where nothing is chosen; None where that is fine."""
    many: bool = False


CHOICES: Mapping[str, Choice] = {
    "safe": Choice(SAFE, "Select whether it is safe for you to report now"),
    "affected": Choice(AFFECTED, "Select who is affected", many=True),
    "platform": Choice(PLATFORM, "Select where it happened"),
    "content_kind": Choice(CONTENT_KIND, None),
    "content_state": Choice(CONTENT_STATE, None),
    "behaviours": Choice(BEHAVIOURS, "Select what kind of abuse it is", many=True),
    "also_affects": Choice(
        (*ALSO_AFFECTS, Option(NOTHING_ELSE, "None of these, or I do not know")),
        "Select what else is at risk, or ‘None of these’",
        many=True,
    ),
    "evidence": Choice(EVIDENCE, None, many=True),
    "known": Choice(KNOWN, "Select whether you know who did it"),
    "manager_alert": Choice(MANAGER, "Select whether it is safe for your manager to know"),
    "confidentiality": Choice(CONFIDENTIALITY, "Select how you want to report"),
    "worker_kind": Choice(WORKER_KIND, None),
}


def label(field: str, value: str) -> str:
    """Return the words of a choice."""
    return next((option.label for option in CHOICES[field].options if option.value == value), value)
