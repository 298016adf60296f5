"""Metadata of tables: how constraints are named, and which columns hold personal data."""

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def personal(what: str, *, retention: str) -> dict[str, str]:
    """Return the `info` of a column that holds personal data.

    Args:
        what: what a privacy notice calls it ("what you told us happened").
        retention: what it is kept with (`report`, `case`, `search`, `view`, `alert`, `directory`).

    The privacy page lists what is kept by these marks (`make docs` writes its `kept.json`), and tests compare the two.
    Nothing is deleted because of a mark.
    """
    return {"personal": what, "retention": retention}
