"""The mapping of a source: the report that it makes of an event, and how a wrong mapping is refused."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.inbound.cloudevents import NotACloudEvent, read_events
from services.intake.inbound.domain import NOT_READABLE, InboundEvent, InvalidPath, UnknownEvent
from services.intake.inbound.domain import Path as DataPath
from services.intake.inbound.refusals import REFUSALS
from services.intake.inbound.sources import KINDS, FieldValue, From, command_of
from services.intake.inbound.sources_yaml import InvalidSources, load_sources
from services.intake.reports.commands import IncidentReport
from services.intake.reports.domain import Occurrence, Report, ReportRefused
from shared.auth.permissions import Principal, Role
from shared.events.codec import is_attribute
from shared.events.vocabulary import ReportType
from shared.settings import InvalidSettings
from shared.text import is_blank
from tests.services.intake.conftest import START
from tests.services.intake.inbound.events import any_json

DATA = {
    "post": {"url": "https://x.com/a/status/1", "labels": ["hate", "x-new"], "author name": "someone"},
    "links": [{"url": "https://a.example/1"}, {"url": "https://a.example/2"}, {}],
    "count": 3,
    "hidden": True,
    "none": None,
}
EVENT = InboundEvent("1", "/monitoring/social", "finding", "subject-1", START, DATA)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.post.url", ["https://x.com/a/status/1"]),
        ("$.post['author name']", ["someone"]),
        ("$.links[*].url", ["https://a.example/1", "https://a.example/2"]),
        ("$.links[1].url", ["https://a.example/2"]),
        ("$.links[9].url", []),
        ("$.post.labels[*]", ["hate", "x-new"]),
        ("$.post.url[*]", ["https://x.com/a/status/1"]),
        ("$.post.url.deeper", [NOT_READABLE]),
        ("$.links.url", [NOT_READABLE]),
        ("$.post[0]", [NOT_READABLE]),
        ("$.none", []),
        ("$.none.deeper", []),
        ("$.post.*", ["https://x.com/a/status/1", ["hate", "x-new"], "someone"]),
        ("@subject", ["subject-1"]),
        ("@time", [START.isoformat()]),
    ],
)
def test_a_path_names_what_is_there(path: str, found: list[object]) -> None:
    assert EVENT.find(DataPath.parse(path)) == found


@pytest.mark.parametrize("path", ["", "post.url", "$post", "$.", "$..url", "$.a[", "$.a[-1]", "$.a[?(@.b)]", "@data"])
def test_what_computes_or_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(InvalidPath):
        DataPath.parse(path)


def made(value: object, *, many: bool = False) -> object:
    return FieldValue("field", value, many).made_of(EVENT)  # type: ignore[arg-type] # any value that a test likes


def taken(*paths: str, **options: object) -> From:
    return From(tuple(DataPath.parse(path) for path in paths), **options)  # type: ignore[arg-type] # named by tests


def test_values_are_put_into_our_words() -> None:
    words = {"hate": "discrimination"}
    assert made(taken("$.post.labels[*]", words=words), many=True) == ["discrimination", NOT_READABLE]
    assert made(taken("$.post.labels[*]", words=words, otherwise="other"), many=True) == ["discrimination", "other"]
    assert made(taken("$.nothing", words=words, otherwise="other"), many=True) == ["other"]
    assert made(taken("$.nothing", words=words), many=True) is None
    assert made(taken("$.hidden", words={"true": "private"})) == "private"


def test_texts_follow_one_another_and_numbers_are_numbers_only_where_wanted() -> None:
    assert made(taken("$.post.url", "$.nothing", "$.post['author name']")) == "https://x.com/a/status/1\n\nsomeone"
    assert (made(taken("$.count")), made(taken("$.count", number=True))) == ("3", 3)
    assert made(taken("$.post.url", "$.links")) is NOT_READABLE


def test_what_an_event_does_not_say_is_left_out_of_objects_and_lists() -> None:
    person = {"relation": "colleague", "name": taken("$.nothing"), "handle": taken("$.post['author name']")}
    assert made([person, taken("$.nothing")]) == [{"relation": "colleague", "handle": "someone"}]


def test_the_packaged_sample_says_what_it_knows() -> None:
    sources = load_sources()
    assert [source.id for source in sources.entries] == ["monitoring", "moderation", "siem", "supplier"]
    with pytest.raises(UnknownEvent) as refused:
        sources.rule_for(EVENT)
    assert refused.value.known == sources.known()


GOOD = """
sources:
  - id: moderation
    name: Moderation
    source: /moderation/*
    events:
      - type: hit
        report: abuse
        fields:
          platform: x
          behaviours: [harassment]
          affected: [{relation: colleague}]
          narrative: {from: $.text}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "sources.yaml"
    path.write_text(text)
    return path


def test_a_small_mapping_is_enough(tmp_path: Path) -> None:
    (source,) = load_sources(written(tmp_path, GOOD)).entries
    event = InboundEvent("1", "/moderation/pages", "hit", None, None, {"text": "An insult"})
    assert source.rules[0].takes(event)
    assert source.rules[0].answers(event)["narrative"] == "An insult"


WRONG: dict[str, tuple[str, str, str]] = {
    "a field that is not there": ("platform: x", "platfrom: x", "platfrom: there is no such field"),
    "a field that is missing": ("          platform: x\n", "", "moderation, hit: platform: this field is needed"),
    "a kind that is not there": ("report: abuse", "report: abuze", "report: abuze is none of abuse, misuse"),
    "a kind that no machine sends": ("report: abuse", "report: enquiry", "report: enquiry is none of"),
    "a path that is none": ("$.text", "text", "narrative: text begins neither with"),
    "a word of ours that is none": ("[harassment]", "[harasment]", "behaviours: Input should be"),
    "an id twice": ("sources:\n", f"sources:\n{GOOD.split('sources:')[1]}", "moderation: this id is used twice"),
    "an option that is not there": ("{from: $.text}", "{from: $.text, wrods: {}}", "narrative: is neither"),
    "monitoring where nobody monitors": (
        "platform: x",
        "platform: x\n          found_by: monitoring",
        "found_by: only a source with `monitoring: true` may say monitoring",
    ),
    "nothing with fields": ("report: abuse", "report: nothing", "what is not stored has no fields"),
    "no YAML": ("sources:", "sources: [", "sources.yaml: "),
    "an unknown word": ("name: Moderation", "title: Moderation", "sources.0.title: Extra inputs are not permitted"),
}


@pytest.mark.parametrize("kind", sorted(WRONG))
def test_a_mapping_that_is_wrong_is_refused_with_what_and_where(tmp_path: Path, kind: str) -> None:
    right, wrong, said = WRONG[kind]
    with pytest.raises(InvalidSources) as refused:
        load_sources(written(tmp_path, GOOD.replace(right, wrong, 1)))
    assert said in str(refused.value)
    assert isinstance(refused.value, InvalidSettings)


def test_a_mapping_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSources, match=r"sources\.yaml"):
        load_sources(tmp_path / "sources.yaml")


def test_every_mistake_is_said_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("platform: x", "platfrom: x").replace("$.text", "text")
    with pytest.raises(InvalidSources) as refused:
        load_sources(written(tmp_path, text))
    assert len(str(refused.value).splitlines()) == 3


SOURCES = load_sources()
SENDER = Principal("client", None, "A client", None, frozenset({Role.MONITORING}))
_KEYS = st.sampled_from(
    [
        *("title", "description", "effect", "confidence", "asset", "owner", "name", "people", "first_seen"),
        *("classification", "summary", "labels", "post", "network", "kind", "url", "author", "text", "target"),
    ]
)
_WORDS = st.sampled_from(
    ["abuse", "misuse", "access", "confirmed", "threat", "x", "120", "2026-01-05T09:30:00Z", "0001-01-01T00:00:00Z"]
)
DATA_OF_OTHERS = any_json() | st.dictionaries(
    _KEYS, any_json() | _WORDS | st.dictionaries(_KEYS, any_json() | _WORDS, max_size=4), max_size=6
)
EVENTS = st.sampled_from(
    [("/siem/core", "org.example.siem.alert.v1"), ("/monitoring/x", "org.example.monitoring.finding.v1")]
)
ANSWERED = {400, 413, 415, 422}


def judged(headers: Mapping[str, str], body: bytes) -> Report | int:
    """Return the report that a request makes, or the status that refuses it."""
    try:
        (found,), _ = read_events(headers, body)
        if isinstance(found, NotACloudEvent):
            raise found
        _, rule = SOURCES.rule_for(found)
        return 202 if rule.report is None else command_of(rule.report, rule, found, SENDER, START)
    except tuple(REFUSALS) as refusal:
        return REFUSALS[type(refusal)].status
    except ReportRefused:
        return 422


TEXTS = {"/siem/core": ("$.title", "$.description"), "/monitoring/x": ("$.summary", "$.post.text")}
STOCK = ("An alert without a text. See the system that sent it.", "Found by monitoring. See the link.")


def own_words(source: str, data: object) -> list[str]:
    """Return what the texts of an event say."""
    said = [text for path in TEXTS[source] for text in DataPath.parse(path).find(data)]
    return [str(text) for text in said if not is_blank(str(text)) and not str(text).startswith("0001-01-01")]


@given(EVENTS, DATA_OF_OTHERS, st.sampled_from([json.dumps, lambda data: json.dumps(json.dumps(data))]))
def test_any_data_is_refused_or_makes_a_report_of_its_own_words(
    event: tuple[str, str], data: object, written: Callable[[object], str]
) -> None:
    source, kind = event
    attributes = {"specversion": "1.0", "id": "1", "source": source, "type": kind, "time": "2026-01-05T09:30:00Z"}
    headers = {f"ce-{name}": value for name, value in attributes.items()}
    structured = f'{json.dumps(attributes)[:-1]}, "data": {written(data)}}}'.encode()
    report = judged({"content-type": "application/cloudevents+json"}, structured)
    assert report == judged(headers, written(data).encode())
    if isinstance(report, int):
        assert report in ANSWERED | {202}
        return
    assert isinstance(report, Occurrence)
    own = own_words(source, json.loads(data) if isinstance(data, str) else data)
    assert report.narrative.split() == " ".join(own).split() or (not own and report.narrative in STOCK)
    assert set(report.not_readable) <= {field for body in KINDS.values() for field in body.model_fields}


@given(
    st.dictionaries(
        st.sampled_from(["ce-id", "ce-source", "ce-type", "ce-time", "ce-specversion", "ce-subject"]),
        st.text(st.characters(max_codepoint=255)),
    )
)
def test_any_header_is_an_answer(headers: dict[str, str]) -> None:
    good = {"ce-id": "1", "ce-source": "/siem/a", "ce-type": "org.example.siem.alert.v1", "ce-specversion": "1.0"}
    answer = judged({**good, "ce-time": "2026-01-05T09:30:00Z", **headers}, b'{"title": "t"}')
    assert isinstance(answer, Report) or answer in ANSWERED


@given(st.text())
def test_a_quoted_header_says_what_was_quoted(text: str) -> None:
    quoted = re.sub(r'(["\\])', r"\\\1", quote(text, safe=' "\\'))
    headers = {"ce-id": f'"{quoted}"', "ce-source": "/a", "ce-type": "a", "ce-specversion": "1.0"}
    try:
        (found,), _ = read_events(headers, b"{}")
    except NotACloudEvent:
        assert not text or not is_attribute(text)
        return
    assert isinstance(found, InboundEvent)
    assert found.id == text


def test_a_list_longer_than_a_report_takes_is_cut_and_named(tmp_path: Path) -> None:
    text = GOOD + "          urls: {from: '$.links[*]'}\n"
    (source,) = load_sources(written(tmp_path, text)).entries
    links = ["no link", *(f"https://x.com/a/status/{number}" for number in range(30))]
    event = InboundEvent("1", "/moderation/a", "hit", data={"text": "An insult", "links": links})
    report = command_of(ReportType.ABUSE, source.rules[0], event, SENDER, START)
    assert isinstance(report, Occurrence)
    assert (report.urls, report.not_readable) == (tuple(links[1:20]), ("urls",))


@pytest.mark.parametrize(
    ("first_seen", "named"),
    [
        ("2026-01-05T09:29:59Z", ()),
        ("2026-01-05T09:30:01Z", ("occurred_at",)),
        ("2026-01-05T11:00:00+01:00", ("occurred_at",)),
        ("2125-01-01T00:00:00Z", ("occurred_at",)),
        ("0001-01-01T00:00:00Z", ()),
    ],
)
def test_an_optional_time_that_contradicts_a_needed_one_is_left_out_and_named(
    first_seen: str, named: tuple[str, ...]
) -> None:
    event = InboundEvent(
        "1",
        "/siem/a",
        "org.example.siem.alert.v1",
        time=datetime.fromisoformat("2026-01-05T09:30:00Z"),
        data={"title": "Sign-in from two places", "first_seen": first_seen},
    )
    _, rule = load_sources().rule_for(event)
    report = command_of(ReportType.SECURITY_INCIDENT, rule, event, SENDER, START)
    assert isinstance(report, IncidentReport)
    assert (report.not_readable, report.occurred_at is None) == (named, named != () or first_seen.startswith("0001"))
    assert report.discovered_at == event.time


def test_a_mapping_of_a_list_reads_a_list(tmp_path: Path) -> None:
    (source,) = load_sources(written(tmp_path, GOOD.replace("$.text", "'$[*].text'"))).entries
    event = InboundEvent("1", "/moderation/a", "hit", data=[{"text": "An insult"}])
    assert command_of(ReportType.ABUSE, source.rules[0], event, SENDER, START).narrative == "An insult"
