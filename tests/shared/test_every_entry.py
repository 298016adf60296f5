"""The text rule holds at every entry: each string of a body or file has a form, and awkward characters do the same."""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Union, get_args, get_origin

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from services.intake.forms import reader
from services.notifier.delivery import api as receipts
from services.notifier.directory import csv_file as directory
from services.registry.accounts import csv_file as accounts_csv
from services.registry.eligibility import handlers as training_csv
from shared import csv
from shared.auth.provider_config import ProviderConfig
from shared.web.bodies import Body, Email, Key, Line, Link, Name, Text, field_problems
from shared.web.forms import FormReader

SERVICES = Path(__file__).parents[2] / "services"
FORMS = {"line": Line, "name": Name, "text": Text, "key": Key, "link": Link, "email": Email}
Leaf = tuple[str, str, tuple[object, ...]]


def bodies_of_services() -> Iterator[type[BaseModel]]:
    """Yield every body that a service reads."""
    for path in SERVICES.rglob("*.py"):
        if path.stem in {"api", "bodies"}:
            importlib.import_module(".".join(path.relative_to(SERVICES.parent).with_suffix("").parts))
    yield from subclasses(Body)
    yield receipts.ReceiptBody


def subclasses(kind: type[Body]) -> Iterator[type[Body]]:
    for below in kind.__subclasses__():
        if below.__module__.startswith("services."):  # tests have bodies of their own
            yield below
        yield from subclasses(below)


def strings(annotation: object, metadata: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """Yield what is said about each string in a type."""
    if annotation is str:
        yield metadata
    elif get_origin(annotation) is Annotated:
        inner, *said = get_args(annotation)
        yield from strings(inner, (*metadata, *said))
    elif get_origin(annotation) in {Union, UnionType}:
        for inner in get_args(annotation):
            yield from strings(inner, metadata)
    else:
        for inner in get_args(annotation):
            yield from strings(inner)


LEAVES: list[Leaf] = [
    (kind.__name__, name, said)
    for kind in sorted(set(bodies_of_services()), key=lambda kind: kind.__name__)
    for name, field in kind.model_fields.items()
    for said in strings(field.annotation, tuple(field.metadata))
]


def form_of(said: tuple[object, ...]) -> str | None:
    checks = {name: get_args(form)[1] for name, form in FORMS.items()}
    return next((name for name, check in checks.items() if check in said), None)


def test_every_string_of_every_body_has_one_of_the_forms() -> None:
    assert len(LEAVES) > 50
    assert [(kind, name) for kind, name, said in LEAVES if form_of(said) is None] == []


AWKWARD: dict[str, tuple[str, dict[str, str]]] = {
    "a no-break space": ("a\u00a0b", {"line": "a b", "name": "a b", "text": "a\u00a0b"}),
    "an invisible mark": ("a\u200bb\ufeff", {"line": "ab", "name": "ab", "text": "a\u200bb\ufeff"}),
    "a joiner": ("क्\u200dष", {"line": "क्ष", "name": "क्\u200dष", "text": "क्\u200dष"}),
    "a joiner around it": ("\u200dab\u200c", {"line": "ab", "name": "ab", "text": "\u200dab\u200c"}),
    "two spellings": ("Zoe\u0308", {"line": "Zoë", "name": "Zoë", "text": "Zoe\u0308"}),
    "lines": ("a\r\n\tb", {"line": "a b", "name": "a b", "text": "a\r\n\tb"}),
    "nothing visible": ("\u3164\u0301\u200b", {"line": "", "name": "", "text": ""}),
    "an unassigned character": ("a\uffffb", {"line": "a\uffffb", "name": "a\uffffb", "text": "a\uffffb"}),
    "right to left": ("a\u202eb", {"line": "ab", "name": "ab", "text": "a\u202eb"}),
    "a soft hyphen": ("a\u00adb", {"line": "ab", "name": "ab", "text": "a\u00adb"}),
}
REFUSED = {"\x00": "U+0000 NULL", "\x07": "U+0007 BELL", "\x9b": "U+009B CONTROL CHARACTER"}


def read(said: tuple[object, ...], given: str) -> str:
    check = next(one for one in said if one in {get_args(form)[1] for form in FORMS.values()})
    return str(TypeAdapter(Annotated[str, check]).validate_python(given))


@pytest.mark.parametrize("what", AWKWARD)
def test_a_body_puts_each_string_into_its_form(what: str) -> None:
    given, expected = AWKWARD[what]
    for kind, name, said in LEAVES:
        form = form_of(said) or ""
        if form == "key":
            assert read(said, given) == given, (kind, name)
        elif form in expected:
            assert read(said, given) == expected[form], (kind, name)
        else:
            assert read(said, given) in {expected["line"], given}, (kind, name)


@pytest.mark.parametrize("character", REFUSED)
def test_a_body_refuses_what_cannot_be_kept_by_its_name(character: str) -> None:
    for kind, name, said in LEAVES:
        with pytest.raises(ValidationError) as refused:
            read(said, f"canary{character}")
        [problem] = field_problems(refused.value.errors())
        assert problem["message"] == f"Remove the character {REFUSED[character]}", (kind, name)


def in_csv(model: type[csv.Row], column: str, **others: str) -> Callable[[str], str | None]:
    """Return how a cell of that column is read."""

    def cell(given: str) -> str | None:
        row = {**others, **dict.fromkeys(csv.needed_columns(model), ""), **others, column: given}
        text = csv.line(row) + csv.line(row.values())
        file = csv.read(text, model, lambda read: getattr(read, column))
        assert file.errors == () or not given.strip("\u3164\u0301\u200b"), file.errors
        return file.rows[0][1] if file.rows else ""

    return cell


def in_claim(claim: str) -> Callable[[str], str | None]:
    config = ProviderConfig("i", "d", "a")
    read = {"name": config.name_of, "staff_id": config.staff_id_of, "email": config.email_of}[claim]
    return lambda given: read({claim: given})


def in_answer(field: str, put: Callable[[FormReader, str], str | None]) -> Callable[[str], str | None]:
    return lambda given: put(FormReader({field: [given]}), field)


PERSON = {"staff_id": "S1", "name": "Ann", "email": "a@example.org"}
ACCOUNT = {"platform": "other", "handle": "ann", "class": "official"}
ENTRIES: dict[str, tuple[str, Callable[[str], str | None]]] = {
    "a form's line": ("line", in_answer("x", lambda form, name: form.line(name))),
    "a form's name": ("name", in_answer("x", lambda form, name: form.name(name))),
    "a form's text": ("text", in_answer("x", lambda form, name: form.text(name))),
    "a report form's id or handle": ("line", in_answer("x", reader.line_of)),
    "a report form's name": ("name", in_answer("x", reader.name_of)),
    "a report form's text": ("text", in_answer("x", reader.text_of)),
    "a name in the directory's file": ("name", in_csv(directory._Cells, "name", **PERSON)),
    "an organisation in the directory's file": ("name", in_csv(directory._Cells, "organisation", **PERSON)),
    "a manager in the directory's file": ("line", in_csv(directory._Cells, "manager_staff_id", **PERSON)),
    "a title in the accounts' file": ("name", in_csv(accounts_csv.AccountCells, "title", **ACCOUNT)),
    "an owner in the accounts' file": ("line", in_csv(accounts_csv.AccountCells, "owner", **ACCOUNT)),
    "a person in the training's file": (
        "line",
        in_csv(training_csv.TrainingCells, "staff_id", course="c", completed_on="2026-01-05"),
    ),
    "the name in a token": ("name", in_claim("name")),
    "the staff id in a token": ("line", in_claim("staff_id")),
    "the address in a token": ("line", in_claim("email")),
}


@pytest.mark.parametrize("entry", ENTRIES)
def test_forms_files_and_tokens_put_a_string_into_the_same_form(entry: str) -> None:
    form, put = ENTRIES[entry]
    for what, (given, expected) in AWKWARD.items():
        assert (put(given) or "") == expected[form].strip(), what
