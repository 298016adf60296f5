"""The shape of the tree keeps its limits (`python -m tests.architecture.figures` prints all figures)."""

import pytest

from tests.architecture.figures import MORE_PLACES, PLACES, Figure, answers, figures, places


@pytest.mark.parametrize("figure", figures(), ids=lambda figure: figure.name)
def test_a_figure_keeps_its_limit(figure: Figure) -> None:
    assert figure.holds, str(figure)


@pytest.mark.parametrize("answer", sorted(answers()))
def test_an_answer_is_named_in_few_files(answer: str) -> None:
    named = places(answer)
    assert len(named) <= MORE_PLACES.get(answer, PLACES), named


def test_no_answer_is_allowed_more_files_than_it_needs() -> None:
    generous = {answer: most for answer, most in MORE_PLACES.items() if len(places(answer)) < most}
    assert generous == {}
