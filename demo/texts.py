"""What reporters of the demo write: harmless, invented, short and long, in more than one language. Pure."""

from collections.abc import Mapping, Sequence

from shared.events.vocabulary import Behaviour, MisuseBehaviour

LONGEST = 50_000
"""Characters that a narrative may have (`docs/contracts`)."""

ABUSE: Mapping[Behaviour, str] = {
    Behaviour.TROLLING: "Somebody answers every post of our page with the same rude limerick about teapots.",
    Behaviour.CYBERSTALKING: "The same account has followed every one of my profiles and comments within minutes.",
    Behaviour.CYBERBULLYING: "A group chat makes fun of a colleague's accent and tags her each time.",
    Behaviour.DOXING: "They posted the street a colleague lives in (here: Example Street) and a photo of her bicycle.",
    Behaviour.HARASSMENT: "I get thirty messages an evening, all of them insulting, all from this account.",
    Behaviour.DISCRIMINATION: "The comments mock a colleague because of her religion.",
    Behaviour.DEFAMATION: "The post says that our office steals sandwiches from customers, which is not true.",
    Behaviour.UNAUTHORISED_RECORDING: "Somebody filmed our reception through the window and put it online.",
    Behaviour.THREAT: "The message says that we will be sorry on Thursday and that he knows where we park.",
    Behaviour.IMPERSONATION: "A profile uses my name and photo and offers advice that I never gave.",
    Behaviour.INTIMATE_IMAGE: "Somebody says that they will share a private picture of a colleague.",
    Behaviour.OTHER: "Something about this page makes several of us uneasy, and none of the choices fits.",
}
MISUSE: Mapping[MisuseBehaviour, str] = {
    MisuseBehaviour.SPEAKS_FOR_DEPARTMENT: "The posts announce new opening hours as if the department had.",
    MisuseBehaviour.MIXED_ACCOUNT: "The account shows holiday pictures on Sunday and official statements on Monday.",
    MisuseBehaviour.ASSOCIATION: "The profile names the department as employer and sells homemade candles below it.",
    MisuseBehaviour.DISCLOSURE: "A photo of the desk shows a list with names, and it could have been a real one.",
    MisuseBehaviour.HARASSMENT: "A colleague keeps posting insults at somebody from the next team.",
    MisuseBehaviour.UNSANCTIONED_ACCOUNT: "A page for our office exists that nobody in Communications knows.",
    MisuseBehaviour.UNTRAINED_OPERATOR: "Somebody posts for the office who has not done the training yet.",
    MisuseBehaviour.UNAPPROVED_DEVICE: "The official account is used from a private tablet on the train.",
    MisuseBehaviour.FAILURE_TO_REPORT: "A lost phone was mentioned at lunch a month ago, and nobody reported it.",
    MisuseBehaviour.OTHER: "It does not feel right, and I cannot say which rule it is about.",
}
INCIDENT = (
    "A work phone was left on the bus with the number 42, which is an invented bus.",
    "A shared password for a page was written on a whiteboard that visitors can see.",
    "An email with an attachment went to the wrong address, to the bakery instead of the colleague.",
    "Posts were edited overnight by somebody who should not be able to.",
    "A folder of drafts for the website is gone, and nobody remembers deleting it.",
    "Somebody signed in to the scheduling tool from a place where none of us is.",
)
ENQUIRY = (
    "May I mention where I work on a private profile?",
    "Which training do I need before I can post for our office?",
    "A customer asks whether an account is ours. Where can I see that?",
    "We would like to use a platform that nobody here uses yet.",
)
ACTIVITY = (
    "We would like to answer messages from a shared tablet during a fair.",
    "A film crew wants to post from our account for one afternoon.",
    "A colleague abroad needs to use the account from a private phone for a week.",
)
UNION = "It was posted in the lunch break from a private phone, about the pay campaign."
BUSINESS_CASE = "Without it we cannot answer people who ask us something on the day, and no approved device can do it."

MORE = (
    "I took screenshots and kept the links.",
    "It began on Monday and has not stopped.",
    "I have not answered.",
    "Two colleagues saw it too.",
    "The account was new last week: no picture, no friends.",
    "I blocked it, and a similar one came back an hour later.",
    "Please tell me whether I should delete anything.",
    "The platform answered that this does not break its rules.",
    "It was still there this morning.",
    "I would rather not be called at my desk about it.",
)
OTHER_LANGUAGES = (
    "Mae rhywun yn postio sylwadau cas am ein swyddfa. Rwyf wedi cadw sgrinluniau, ac nid wyf wedi ateb.",
    "Cefais neges ofnadwy ar ôl gwaith ddoe. Nid wyf yn adnabod yr anfonwr. Diolch am eich help.",
    "שלום, מישהו מפרסם הודעות פוגעות על עמיתה שלי. שמרתי צילומי מסך.",
    "شخص ما ينشر تعليقات مسيئة عن زميلتي كل مساء. احتفظت بالروابط.",
    "Ktoś codziennie wysyła obraźliwe wiadomości do naszego biura. Zapisałam zrzuty ekranu.",
    "😡😡😡 again and again 🫖🫖 under every post 👩🏽‍💻👨‍👩‍👧‍👦 — that is the whole comment.",
    "Zalgo: t̷̢̛e̶͓͝ą̵̈p̸̨͆ô̵͜t̴͔͘, and a name written with Cyrillic letters: Dерartmеnt.",
    "Line one\r\nline two\n\n\tindented, with <b>tags</b>, “quotes” and ' OR '1'='1.",
)


def long_story(sentences: Sequence[str]) -> str:
    """Return an account just as long as a narrative may be."""
    day = " ".join(sentences)
    days = (f"Day {number}. {day}" for number in range(1, LONGEST // len(day) + 2))
    return "\n".join(days)[: LONGEST - 1] + "."
