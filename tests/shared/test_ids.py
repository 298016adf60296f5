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


@given(st.text())
def test_any_text_is_a_reference_that_reads_as_itself_or_is_refused(text: str) -> None:
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
