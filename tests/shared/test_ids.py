"""References survive being read out, typed and mistyped; receipt codes can be typed as they are shown."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ids import ALPHABET, InvalidReference, RandomIds, ReceiptCode, Reference

NUMBERS = st.integers(min_value=0, max_value=2**35 - 1)
ISSUED = NUMBERS.map(Reference.issue).filter(bool).map(lambda reference: Reference.parse(reference or ""))


@given(ISSUED)
def test_a_reference_reads_as_itself_however_it_is_typed(reference: Reference) -> None:
    spoken = reference.replace("0", "o").replace("1", "l")
    for typed in (reference, reference.lower(), reference.replace("-", " "), reference.removeprefix("SP-"), spoken):
        assert Reference.parse(f" {typed} ") == reference


DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\ufe58\ufe63\uff0d"


@given(ISSUED, st.sampled_from([*DASHES, "\u00ad", "\u200b", "\ufeff", "\u00a0", "\u3000", " - ", ""]))
def test_a_reference_is_read_with_any_dash_space_or_invisible_mark(reference: Reference, between: str) -> None:
    assert Reference.parse(f"\u200b{reference.lower().replace('-', between)}\u00a0") == reference
    assert Reference.start(f"\u200b{reference.lower().replace('-', between)}\u00a0") == reference


@pytest.mark.parametrize(
    ("typed", "start"),
    [
        ("SP-", None),
        ("sp 4k", None),
        ("sp 4k7", "SP-4K7"),
        ("SP-4K7Q", "SP-4K7Q"),
        ("Sp\u20134l7o\u200b", "SP-4170"),
        ("SP 4K7Q 9Z", "SP-4K7Q-9Z"),
        ("SP-4K7Q9Z", "SP-4K7Q-9Z"),
        ("spam", None),
        ("4K7Q", None),
        ("SP-4K7Q-9ZTU", None),
        ("x", None),
        ("", None),
        ("SP-4K7Q-9ZT2-22-2", None),
    ],
)
def test_the_first_part_of_a_reference_is_one_only_after_its_letters(typed: str, start: str | None) -> None:
    assert Reference.start(typed) == start


@given(ISSUED, st.integers(min_value=2, max_value=99))
def test_a_linked_case_keeps_its_number(reference: Reference, number: int) -> None:
    linked = reference.linked(number)
    assert linked == f"{reference}-{number}"
    assert Reference.parse(linked.lower()) == linked


@given(ISSUED, st.integers(min_value=0, max_value=7), st.sampled_from(ALPHABET))
def test_one_wrong_symbol_is_always_noticed(reference: Reference, place: int, symbol: str) -> None:
    symbols = reference.removeprefix("SP-").replace("-", "")
    mistyped = symbols[:place] + symbol + symbols[place + 1 :]
    if mistyped == symbols:
        assert Reference.parse(mistyped) == reference
    else:
        with pytest.raises(InvalidReference):
            Reference.parse(mistyped)


@given(st.text() | st.text(st.sampled_from("SPsp -\u2013\u200b\x07\ud8000Oo1Il2")))
def test_any_text_is_a_reference_that_reads_as_itself_or_is_refused(text: str) -> None:
    assert (Reference.start(text) or "SP-").startswith("SP-")
    with suppress(InvalidReference):
        assert Reference.parse(Reference.parse(text)) == Reference.parse(text)


def test_what_was_typed_is_not_repeated_when_it_is_refused() -> None:
    with pytest.raises(InvalidReference) as refused:
        Reference.parse("SP-CANARY")
    assert str(refused.value) == ""


def test_only_references_that_need_no_escaping_are_issued() -> None:
    for _ in range(200):
        assert set(RandomIds().reference().removeprefix("SP-").replace("-", "")) <= set(ALPHABET)


def test_a_receipt_code_can_be_typed_as_it_comes_and_is_never_the_same() -> None:
    code, other = RandomIds().receipt_code(), RandomIds().receipt_code()
    assert code != other
    assert len(code.replace("-", "")) == 20
    assert ReceiptCode.parse(code.lower().replace("-", " ")) == code


def test_identifiers_sort_by_the_time_they_were_made() -> None:
    made = [RandomIds().uuid() for _ in range(1000)]
    assert made == sorted(made)
    assert {identifier.version for identifier in made} == {7}
