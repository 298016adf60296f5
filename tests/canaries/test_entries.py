"""No field can be forgotten: an API's input is in the table, or the table says why it accepts no free text."""

from tests.canaries.entries import described, entries


def test_every_free_text_of_every_call_is_in_the_table() -> None:
    known: dict[str, set[str]] = {}
    for entry in entries():
        known.setdefault(entry.route, set()).update(entry.fields(), entry.never)
    missing = [f"{call}: {name}" for call, names in described().items() for name in names - known.get(call, set())]
    assert sorted(missing) == []


def test_the_table_names_nothing_that_is_not_there() -> None:
    calls = described()
    gone = [f"{entry.name}: {name}" for entry in entries() for name in entry.never if name not in calls[entry.route]]
    assert gone == []
