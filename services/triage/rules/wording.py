"""How rules and their mistakes read on a page."""

from collections.abc import Mapping

from services.triage.routing.domain import UNDECIDED, RuleState
from services.triage.routing.rulebook import RuleBookRefused

STATES: Mapping[RuleState, str] = {
    RuleState.LIVE: "Live",
    RuleState.SHADOW: "Shadow",
    RuleState.DRAFT: "Draft",
    RuleState.RETIRED: "Retired",
}
STATE_COLOURS: Mapping[RuleState, str] = {
    RuleState.LIVE: "govuk-tag--green",
    RuleState.SHADOW: "govuk-tag--purple",
    RuleState.DRAFT: "govuk-tag--yellow",
    RuleState.RETIRED: "govuk-tag--grey",
}


_NOISE = " (in container '')"
"""What CEL adds to the name of a fact that it does not know."""


def rule_name(rule: str) -> str:
    """Return a rule's id; decisions that no rule could make have words instead."""
    return "no rule" if rule == UNDECIDED else rule


def mistake_words(mistake: RuleBookRefused) -> str:
    """Return where a book is wrong and why, as a sentence."""
    where = f"{_place_of(mistake.rule)}, line {mistake.line}, column {mistake.column}"
    return f"{where}: {mistake.reason.removesuffix(_NOISE)}"


def _place_of(rule: str) -> str:
    """Return what is wrong: a rule, or in brackets a part of the book beside its rules, or the whole."""
    if rule == "(the file)":
        return "The file"
    return f"The part {rule[1:-1]}" if rule.startswith("(") else f"Rule {rule}"


def line_with_mistake(text: str, mistake: RuleBookRefused) -> str:
    """Return the line of `text` that is wrong, at most 200 characters of it around the place."""
    lines = text.splitlines()
    if not 1 <= mistake.line <= len(lines):
        return ""
    begin = max(mistake.column - 150, 0)
    return lines[mistake.line - 1][begin : begin + 200]
