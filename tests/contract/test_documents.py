"""docs/contracts/ agrees with the code."""

import re

from tests.contract import documents
from tests.contract.catalogue import EVENTS


def test_the_contracts_are_what_the_code_says() -> None:
    said = {name: documents.as_text(document) for name, document in documents.documents().items()}
    written = {path.name: path.read_text("utf-8") for path in documents.FOLDER.glob("*.json")}
    drifted = sorted(name for name in said.keys() | written.keys() if said.get(name) != written.get(name))
    assert drifted == [], "run `make docs` and commit docs/contracts"


def test_every_event_is_on_a_channel_and_every_reference_leads_somewhere() -> None:
    document = documents.asyncapi()
    on_channels = {name for channel in document["channels"].values() for name in channel["messages"]}
    assert on_channels == {event.TYPE for event in EVENTS}
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', documents.as_text(document)):
        found = document
        for part in reference.split("/"):
            found = found[part]


def test_refusals_are_described_as_what_they_are() -> None:
    for name in documents.documents():
        if name != documents.ASYNCAPI:
            text = documents.as_text(documents.written(name))
            assert "HTTPValidationError" not in text
            assert "application/problem+json" in text
