"""The mapping of a source: the report that it makes of an event, and how a wrong mapping is refused."""

from pathlib import Path

import pytest

from services.intake.inbound.domain import InboundEvent, InvalidPath, UnknownEvent
from services.intake.inbound.domain import Path as DataPath
from services.intake.inbound.sources import FieldValue, From
from services.intake.inbound.sources_yaml import InvalidSources, load_sources
from shared.settings import InvalidSettings
from tests.services.intake.conftest import START

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
        ("$.post.url.deeper", []),
        ("$.none", []),
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
    assert made(taken("$.post.labels[*]", words=words), many=True) == ["discrimination"]
    assert made(taken("$.post.labels[*]", words=words, otherwise="other"), many=True) == ["discrimination", "other"]
    assert made(taken("$.nothing", words=words, otherwise="other"), many=True) == ["other"]
    assert made(taken("$.nothing", words=words), many=True) is None
    assert made(taken("$.hidden", words={"true": "private"})) == "private"


def test_texts_follow_one_another_and_numbers_are_numbers_only_where_wanted() -> None:
    assert made(taken("$.post.url", "$.nothing", "$.post['author name']")) == "https://x.com/a/status/1\n\nsomeone"
    assert (made(taken("$.count")), made(taken("$.count", number=True))) == ("3", 3)


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
