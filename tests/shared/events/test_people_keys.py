"""Keys for a database: they match wherever a person may be the one named on a report, and for no one else."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.events.intake import Person
from shared.events.people import keys_of_member, keys_of_named, may_be
from shared.events.vocabulary import Relation

WORDS = st.sampled_from(
    ["Sam", "S", "s.", "Reid", "R", "Ada", "a", "Green", "O'Brien", "Obrien", "Zoë", "Smith-Reid", "Reid,", "Mr", "the"]
)
NAMES = st.lists(WORDS, max_size=9).map(" ".join)
ADDRESSES = st.sampled_from(
    ["sam.reid@example.org", "Reid.Sam@x.example", "sreid7@example.org", "sam.reid+2@example.org", "s4001@example.org"]
)
STAFF_IDS = st.sampled_from(["S4001", " s4001 ", "S4002"])
SAID = st.one_of(NAMES, ADDRESSES, STAFF_IDS, st.sampled_from(["@samreid1", "reid_sam", "Sam Reid (S4001)", "a@"]))


def meet(person: Person, staff_id: str | None, name: str | None, email: str | None) -> bool:
    return bool(keys_of_named(person) & keys_of_member(staff_id=staff_id, name=name, email=email))


@given(
    st.one_of(st.none(), STAFF_IDS),
    st.one_of(st.none(), NAMES),
    st.one_of(st.none(), ADDRESSES),
    st.tuples(*[st.one_of(st.none(), SAID)] * 3),
)
@example(None, "Sam Reid", None, ("S Sam", None, None))
@example(None, "Adam Ant", None, ("a person", None, None))
@example(None, "Adam Ant", None, ("a person whom I saw there once or twice", None, None))
@example(None, "S R", None, ("somebody called Sam and then Rob or Tom", None, None))
def test_keys_meet_wherever_a_person_may_be_whom_a_report_names(
    staff_id: str | None, name: str | None, email: str | None, said: tuple[str | None, str | None, str | None]
) -> None:
    person = Person(relation=Relation.COLLEAGUE, name=said[0], staff_id=said[1], handle=said[2])
    if may_be(staff_id=staff_id, name=name, email=email, person=person):
        assert meet(person, staff_id, name, email)


@pytest.mark.parametrize(
    "said",
    [
        {"staff_id": "s4001 "},
        {"staff_id": "Sam Reid"},
        {"name": "Sam Reid"},
        {"name": "REID, Sam"},
        {"name": "S. Reid"},
        {"name": "Reid"},
        {"name": "Sam"},
        {"name": "I think it is Sam Reid of the night shift (S4001)"},
        {"name": "sam.reid@example.org"},
        {"handle": "Sam_Reid_99"},
    ],
)
def test_keys_meet_however_the_report_says_it(said: dict[str, str]) -> None:
    assert meet(Person(relation=Relation.COLLEAGUE, **said), "S4001", "Sam Reid", "sam.reid@example.org")


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"name": "Aisha Khan"},
        {"name": "Sam Green"},
        {"name": "S. Green", "staff_id": "S40011"},
        {"handle": "@sam"},
        {"handle": "troll4001"},
        {"name": "a stranger"},
        {"name": "aisha.khan@example.org"},
    ],
)
def test_keys_of_others_do_not_meet(said: dict[str, str]) -> None:
    assert not meet(Person(relation=Relation.COLLEAGUE, **said), "S4001", "Sam Reid", "sam.reid@example.org")


def test_a_long_text_has_few_keys() -> None:
    text = " ".join(f"word{chr(97 + i % 26)}{i}" for i in range(300))
    person = Person(relation=Relation.COLLEAGUE, name=text, staff_id=text, handle=text)
    assert len(keys_of_named(person)) < 8_000
