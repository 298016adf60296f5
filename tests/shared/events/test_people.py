"""Whom a person named on a report may be."""

import unicodedata

import pytest

from shared.events.intake import Person
from shared.events.people import may_be, same_address
from shared.events.vocabulary import Relation


def _may_be_grace(**said: str) -> bool:
    person = Person.model_validate({"relation": Relation.COLLEAGUE, **said})
    return may_be(staff_id="S2001", name="Grace Okafor", email="grace.okafor@example.org", person=person)


@pytest.mark.policy("S3")
@pytest.mark.parametrize(
    "said",
    [
        {"staff_id": "S2001"},
        {"staff_id": " s2001 "},
        {"name": "S2001"},
        {"name": "my manager (S2001)"},
        {"handle": "s2001"},
        {"name": "Grace Okafor"},
        {"name": "OKAFOR, Grace Ada"},
        {"name": "Okafor Gracie"},
        {"name": "Mr Okafor"},
        {"name": "Okafor"},
        {"name": "Grace"},
        {"name": "G Okafor"},
        {"name": "G. Okafor"},
        {"name": "Grace O."},
        {"name": "G. O."},
        {"name": "Gracie Okafor"},
        {"name": "Grace Okafor-Reed"},
        {"name": "Gráce Òkafor"},
        {"name": "\uff27race Okafor"},
        {"name": "grace.okafor@example.org"},
        {"name": "Grace (grace.okafor@example.org)"},
        {"staff_id": "Grace.Okafor@Example.org"},
        {"handle": "@grace.okafor@example.org"},
        {"handle": "okafor.grace@example.org"},
        {"handle": "mailto:grace.okafor+news@example.org"},
        {"handle": "@Grace_Okafor"},
        {"handle": "graceokafor1"},
    ],
    ids=lambda said: " ".join(said.values()),
)
def test_as_people_name_a_person(said: dict[str, str]) -> None:
    assert _may_be_grace(**said)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"name": ""},
        {"name": "G"},
        {"name": "Mr"},
        {"name": "Helen Marsh"},
        {"name": "Mr Price"},
        {"name": "a colleague"},
        {"staff_id": "S200"},
        {"staff_id": "S20011"},
        {"handle": "grace"},
        {"handle": "@helen.marsh@example.org"},
        {"handle": "@"},
    ],
    ids=lambda said: " ".join(said.values()) or "nothing",
)
def test_another_person(said: dict[str, str]) -> None:
    assert not _may_be_grace(**said)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Zoë Müller", unicodedata.normalize("NFD", "Zoë Müller")),
        (unicodedata.normalize("NFD", "Zoë Müller"), "ZOE MULLER"),
        ("Søren Łukasz", "Soren Lukasz"),
        ("Siobhan O'Brien", "Siobhan O\u2019Brien"),
        ("Siobhan O'Brien", "Miss OBrien"),
        ("Smith-Jones, Ann", "Ann Jones"),
    ],
)
def test_however_it_is_spelled(name: str, said: str) -> None:
    assert may_be(staff_id=None, name=name, email=None, person=Person(relation=Relation.COLLEAGUE, name=said))


@pytest.mark.policy("S3")
@pytest.mark.parametrize("email", ["okafor.grace@example.org", "grace.okafor+x@example.org", "g.okafor@example.org"])
def test_an_address_without_a_name_is_read_as_one(email: str) -> None:
    person = Person(relation=Relation.COLLEAGUE, name="Grace Okafor", handle="grace.okafor@example.org")
    assert may_be(staff_id=None, name=None, email=email, person=person)


def test_an_address_of_another_person_is_not_read_as_one() -> None:
    person = Person(relation=Relation.COLLEAGUE, name="Grace Okafor", handle="grace.okafor@example.org")
    assert not may_be(staff_id=None, name=None, email="helen.marsh@example.org", person=person)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Grace.Okafor@example.org", "grace.okafor@example.org", True),
        ("okafor_grace@example.org", "grace.okafor@example.org", True),
        ("grace.okafor+x@example.org", "grace.okafor@example.org", True),
        ("grace.okafor2@example.org", "grace.okafor@example.org", True),
        ("grace@example.org", "grace@example.org", True),
        ("grace@example.org", "grace@other.example", False),
        ("s2001@example.org", "s2002@example.org", False),
        ("grace.marsh@example.org", "grace.okafor@example.org", False),
    ],
)
def test_addresses_of_one_person(one: str, other: str, *, same: bool) -> None:
    assert same_address(one, other) is same
