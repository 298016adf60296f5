"""What every template has: a title of one form, and words that people who work here would use."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.source import ROOT, Module, product_modules

TEMPLATES = {
    path.relative_to(ROOT).as_posix(): re.sub(r"\{#.*?#\}", "", path.read_text("utf-8"), flags=re.DOTALL)
    for folder in ("services", "shared")
    for path in (ROOT / folder).rglob("templates/**/*.html")
}
TITLE = re.compile(r"\{% block page_title %\}(?P<page>.+) - \{\{ service_name \}\}\{% endblock %\}")
"""`layout.html` puts `Error: ` in front of it."""
_PARENT = re.compile(r'\{% extends "(?P<parent>[^"]+)" %\}')

BANNED = {
    r"Mails": "Emails",
    r"(C|c)ame (by|to you)": "was sent using, was received",
    r"Cases that wait": "Open cases",
    r"what belongs to it": "",
    r"gives? (you|them) away": "shows who you are",
    r"needs? you( now)?\b": "is for you to do",
    r"looked at again by": "will be reviewed by",
    r"[Aa]lso if you think": "even if you think",
    r"\b[Ss]omebody|\b[Aa]nybody|\b[Nn]obody|\b[Ee]verybody": "someone, anyone, no one, everyone",
    r"\b[Ww]hom\b": "who",
    r"[Yy]ou have to (sign in|know)": "you need to",
    r"\btelephone\b": "phone",
    r"[Gg]o on working|[Ww]ork goes on": "continue work",
    r"[Ww]aits? for\b": "is waiting for",
    r"\ba report works\b|\bworks (your|the|a) (report|case)": "works on",
}
"""What reads as if it were translated, and what to write instead."""

_NOT_SHOWN = ("services/cli", "shared/messaging", "shared/observability")
"""Commands and logs: their readers are not on a page."""


def _title_of(template: str) -> str | None:
    """Return the title that a template has or inherits from one that is not the layout."""
    if found := TITLE.search(TEMPLATES[template]):
        return found["page"]
    parent = _PARENT.search(TEMPLATES[template])
    if parent is None or parent["parent"] == "layout.html":
        return None
    return _title_of(next(path for path in TEMPLATES if path.endswith(f"/templates/{parent['parent']}")))


def test_every_page_is_called_its_name_and_then_signpost() -> None:
    pages = [path for path, text in TEMPLATES.items() if _PARENT.search(text)]
    assert len(pages) > 60
    assert [path for path in pages if not _title_of(path)] == []
    titles = [path for path, text in TEMPLATES.items() if "block page_title" in text and not TITLE.search(text)]
    assert titles == ["shared/web/templates/layout.html"]


def _sentences(module: Module) -> Iterator[str]:
    """Return the texts of a module that people may read: those with spaces that are no docstrings."""
    docstrings = {id(node.value) for node in ast.walk(module.tree) if isinstance(node, ast.Expr)}
    constants = (
        node for node in ast.walk(module.tree) if isinstance(node, ast.Constant) and id(node) not in docstrings
    )
    yield from (node.value for node in constants if isinstance(node.value, str) and " " in node.value)


def _texts() -> Iterator[tuple[str, str]]:
    yield from TEMPLATES.items()
    for file in (ROOT / "services").rglob("*.yaml"):
        yield file.name, file.read_text("utf-8")
    for module in product_modules():
        if not module.path.startswith(_NOT_SHOWN) and "migrations" not in module.path:
            for sentence in _sentences(module):
                yield module.path, sentence


@pytest.mark.parametrize("banned", BANNED)
def test_pages_and_emails_read_as_if_written_here(banned: str) -> None:
    found = [f"{path}: {match[0]}" for path, text in _texts() for match in re.finditer(banned, text)]
    assert found == [], f"write: {BANNED[banned]}"


_PARTS = {"table": "table", "thead": "rowgroup", "tbody": "rowgroup", "tr": "row", "th": "columnheader", "td": "cell"}


def test_tables_whose_rows_are_cards_on_a_phone_say_that_they_are_tables() -> None:
    """A table, a row or a cell that is shown as a block is none any more to a screen reader, unless it says so."""
    cards = [
        (path, table)
        for path, template in TEMPLATES.items()
        for table in re.findall(r"<table [^>]*signpost-queue.*?</table>", template, re.DOTALL)
        if "asset('queue.css')" in template
    ]
    assert len(cards) >= 3
    wrong = [
        f"{path}: <{tag}{said}>"
        for path, table in cards
        for tag, said in re.findall(r"<(table|thead|tbody|tr|th|td)\b([^>]*)", table)
        if f'role="{_PARTS[tag]}"' not in said
    ]
    assert wrong == []


_ESCAPED = re.compile(r"\| ?(e|escape)\b|~ \w+\(\) ~")
_SAFE = re.compile(r"""\(('[^']*'|"[^"]*") \| safe\)""")


def test_tags_that_are_joined_with_an_escaped_text_are_not_escaped_too() -> None:
    """In Jinja `'<b>' ~ (name | e)` escapes the tags as well, so that people read them."""
    wrong = [
        f"{path}: {expression}"
        for path, template in TEMPLATES.items()
        for expression in re.findall(r"\{\{.*?\}\}", _SAFE.sub("", template))
        if "~" in expression and _ESCAPED.search(expression) and re.search(r"</?[a-z]", expression)
    ]
    assert wrong == []
