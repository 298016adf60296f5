"""The one question that a recipient is asked."""

from collections.abc import Mapping, Sequence

from shared.events.vocabulary import Acknowledgement


def read_answer(fields: Mapping[str, Sequence[str]]) -> Acknowledgement | None:
    """Return the answer that was given, None where there is not exactly one that we know."""
    given = fields.get("answer", ())
    return Acknowledgement(given[0]) if len(given) == 1 and given[0] in set(Acknowledgement) else None
