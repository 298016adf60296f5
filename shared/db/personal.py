"""Marks columns that hold personal data; retention, disposal and the data-protection page are made from the marks."""


def personal(what: str, *, retention: str) -> dict[str, str]:
    """Return the `info` of a column that holds personal data.

    Args:
        what: what a privacy notice calls it ("what you told us happened").
        retention: the record class whose schedule applies (`report`, `case`, `alert`, `directory`).
    """
    return {"personal": what, "retention": retention}
