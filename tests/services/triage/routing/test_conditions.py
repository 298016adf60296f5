"""A book's conditions are evaluated together; one that fails does not affect the others."""

from itertools import product

import pytest
import yaml

from services.triage.routing import rulebook
from services.triage.routing.cel import Conditions
from services.triage.routing.domain import ConditionFailed, Facts

WORDS = frozenset({"abuse", "threat", "self", "x", "yes", ""})
ABUSE = Facts(form="abuse", report_type="abuse", found_by="person", reporter="named", behaviours=("threat",))
STEPS = "affected.all(a, affected.all(b, affected.all(c, a == b && b == c)))"
"""Takes a step for each triple of people."""


def answers(conditions: Conditions, sources: list[str], facts: Facts) -> list[bool | str]:
    compiled = [conditions.compile(source) for source in sources]
    bound = conditions.bind(facts)
    found: list[bool | str] = []
    for holds in compiled:
        try:
            found.append(holds(bound))
        except ConditionFailed:
            found.append("failed")
    return found


def packaged() -> list[str]:
    book = yaml.safe_load(rulebook.PACKAGED.read_text())
    return [part["when"] for part in (*book["impact"], *book["urgency"], *book["rules"])]


def test_together_they_say_what_each_says_alone() -> None:
    sources = packaged()
    together = Conditions(rulebook.words())
    compiled = [together.compile(source) for source in sources]
    alone = []
    for source in sources:
        conditions = Conditions(rulebook.words())
        alone.append((conditions.compile(source), conditions))
    kinds, behaviours = ("abuse", "misuse", "security_incident", "enquiry"), ((), ("threat",), ("trolling", "other"))
    for form, kind, words, yes in product(kinds, kinds, behaviours, ("", "yes", "unsure")):
        facts = Facts(
            form=form,
            report_type=kind,
            found_by="person",
            reporter="named",
            behaviours=words,
            taken_over=yes,
            union_activity=yes,
        )
        bound = together.bind(facts)
        assert [holds(bound) for holds in compiled] == [holds(own.bind(facts)) for holds, own in alone]


def test_one_that_fails_leaves_the_others_their_answers() -> None:
    sources = ["form == 'abuse'", "1 / people_affected == 1", "repeats > 0"]
    assert answers(Conditions(WORDS), sources, ABUSE) == [True, "failed", False]


def test_one_that_takes_too_many_steps_fails_and_the_others_are_answered() -> None:
    crowd = Facts(form="abuse", report_type="abuse", found_by="person", reporter="named", affected=("self",) * 60)
    assert answers(Conditions(WORDS), ["form == 'abuse'", STEPS, "repeats > 0"], crowd) == [True, "failed", False]


def test_some_that_take_too_many_steps_only_together_are_answered() -> None:
    crowd = Facts(form="abuse", report_type="abuse", found_by="person", reporter="named", affected=("self",) * 15)
    assert answers(Conditions(WORDS), [STEPS] * 6, crowd) == [True] * 6


@pytest.mark.parametrize("depth", [1, 20, 26])
def test_a_deep_condition_is_as_good_as_any(depth: int) -> None:
    deep = "(" * depth + "form == 'abuse'" + ")" * depth
    assert answers(Conditions(WORDS), [deep, "repeats > 0", deep], ABUSE) == [True, False, True]


def test_more_conditions_than_are_asked_at_a_time_are_all_answered() -> None:
    sources = [f"repeats == {number}" for number in range(120)]
    repeated = Facts(form="abuse", report_type="abuse", found_by="person", reporter="named", repeats=77)
    assert answers(Conditions(WORDS), sources, repeated) == [number == 77 for number in range(120)]
