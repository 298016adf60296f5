"""An export of a case as one file: its manifest and its proof, and how a stranger checks both without Signpost.

Triage makes the documents and a statement of what the export holds, what is masked and what is left out. The digest of
the statement is in the last link of the case's chain, and the chain is one of the documents. Intake adds the evidence.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from typing import IO, Any
from uuid import UUID
from zipfile import BadZipFile, ZipFile

from shared.audit.chain import GENESIS, Link

MANIFEST, CHAIN = "manifest.json", "chain.json"
PROMISED = "statement.json"
"""The statement, on its way from triage to intake, which puts it in the manifest."""
EXPORTED = "case_exported"
"""The action of the link which proves an export: the last one of its chain."""
STATEMENT = "statement"
"""What that link calls the digest of the statement."""
PREVIOUS = "previous"
"""What a last link that stands alone calls the hash of the link before it."""
WHOLE = "internal"
"""Where a statement says whether the whole chain is in its export, as it is with all else that is internal."""
_READ = 256 * 1024
Content = Mapping[str, Any]
"""A JSON object."""


def written(content: object) -> bytes:
    """Return JSON for people and programs to read, always the same for the same content."""
    return (json.dumps(content, sort_keys=True, indent=2, ensure_ascii=False) + "\n").encode()


def digest(content: object) -> str:
    """Return sha-256 of the content as `written`, in hexadecimal."""
    return sha256(written(content)).hexdigest()


def manifest(statement: Content, evidence: Sequence[Content], members: Sequence[Content]) -> bytes:
    """Return the manifest of an export, with the digest of all else in it.

    Args:
        statement: what triage said; the chain proves it.
        evidence: for each piece that the statement promises its `evidence_id`, and its `file` or why it is `left_out`.
        members: `name`, `size` and `sha256` of every other file.
    """
    content = {"statement": statement, "evidence": list(evidence), "members": list(members)}
    return written({**content, "sha256": digest(content)})


def chain_document(links: Sequence[tuple[Link, bytes]], *, whole: bool = True) -> bytes:
    """Return the links of a chain as a file, each with its hash; or the last one alone, with the hash before it."""
    shown = [{**_shown(link), "hash": hashed.hex()} for link, hashed in links]
    if not whole and len(shown) > 1:
        shown = [{**shown[-1], PREVIOUS: shown[-2]["hash"]}]
    return written(shown)


def _shown(link: Link) -> Content:
    at = link.at.astimezone(UTC).isoformat(timespec="microseconds")
    return {**asdict(link), "chain_id": str(link.chain_id), "id": str(link.id), "at": at}


def problems(file: IO[bytes]) -> list[str]:
    """Return what is wrong with an export, in words; nothing if it is what was handed out."""
    try:
        with ZipFile(file) as archive:
            return list(_problems(archive))
    except (BadZipFile, EOFError, KeyError, NotImplementedError, TypeError, ValueError, AttributeError):
        return ["The file is damaged, or it is no export of a case"]


def proof_of(file: IO[bytes]) -> tuple[str, str]:
    """Return the reference of the case, and the digest of the statement, which the department finds in its record."""
    with ZipFile(file) as archive:
        statement: dict[str, str] = json.loads(archive.read(MANIFEST))["statement"]
    return statement["case"], digest(statement)


def not_delivered(file: IO[bytes]) -> list[tuple[str, str]]:
    """Return the evidence that the statement promises and that an export without problems has not, and why.

    Only intake knows why, and nothing proves what it says: whoever had the file may have taken a piece out of it.
    """
    with ZipFile(file) as archive:
        says = json.loads(archive.read(MANIFEST))
    why = {one["evidence_id"]: one for one in says["evidence"]}
    ids = [one["evidence_id"] for one in says["statement"]["evidence"]]
    return [(one, str(why[one]["left_out"])) for one in ids if why[one].get("file") is None]


def _problems(archive: ZipFile) -> Iterator[str]:
    text = archive.read(MANIFEST)
    says = json.loads(text)
    said = says.pop("sha256")
    if digest(says) != said or written({**says, "sha256": said}) != text:
        yield f"{MANIFEST} was changed"
    found = dict(_hashed(archive))
    yield from _members(archive.namelist(), says["members"], found)
    statement = says["statement"]
    yield from (
        f"{name} is not the one that the statement names"
        for name, hashed in statement["documents"].items()
        if found.get(name) != hashed
    )
    yield from _evidence(statement["evidence"], says["evidence"], found)
    yield from _chain(json.loads(archive.read(CHAIN)), statement)


def _hashed(archive: ZipFile) -> Iterator[tuple[str, str]]:
    for name in archive.namelist():
        read = sha256()
        with archive.open(name) as member:
            while piece := member.read(_READ):
                read.update(piece)
        yield name, read.hexdigest()


def _members(names: Iterable[str], members: Iterable[Content], found: Mapping[str, str]) -> Iterator[str]:
    listed = {one["name"]: one["sha256"] for one in members}
    counted = Counter(names)
    yield from (f"{name} is there {times} times" for name, times in counted.items() if times > 1)
    yield from (f"{name} is missing" for name in listed if name not in counted)
    yield from (f"{name} is not in the manifest" for name in counted if name not in {*listed, MANIFEST})
    yield from (f"{name} was changed" for name, hashed in listed.items() if found.get(name, hashed) != hashed)


def _evidence(promised: Iterable[Content], delivered: Iterable[Content], found: Mapping[str, str]) -> Iterator[str]:
    files = {one["evidence_id"]: one for one in delivered}
    for one in promised:
        there = files.get(one["evidence_id"], {})
        file = there.get("file")
        if file is None and not there.get("left_out"):
            yield f"evidence {one['evidence_id']} is missing"
        elif file is not None and found.get(file) != one["sha256"]:
            yield f"{file} is not the evidence that the statement names"


def _chain(links: Sequence[Mapping[str, Any]], statement: Content) -> Iterator[str]:
    """Check that each link follows from the one before, and that the last one proves the statement.

    Without what is internal, the last link alone is there: it proves the statement, and says nothing of the case.
    """
    previous, first = GENESIS, 1
    if not statement.get(WHOLE, True) and len(links) == 1 and PREVIOUS in links[0]:
        previous, first = bytes.fromhex(links[0][PREVIOUS]), links[0]["position"]
    for position, one in enumerate(links, start=first):
        link = _read(one)
        if link.position != position or str(link.chain_id) != statement["case_id"]:
            yield f"{CHAIN}: link {position} is not where it belongs"
        previous = link.hash(previous)
        if previous.hex() != one["hash"]:
            yield f"{CHAIN}: link {position} was changed"
            return
    if not links or not _proves(_read(links[-1]), statement):
        yield f"{CHAIN}: the last link does not prove this export"


def _proves(last: Link, statement: Content) -> bool:
    if last.action != EXPORTED or last.after.get(STATEMENT) != digest(statement):
        return False
    return last.actor == statement["exported_by"] and last.at == datetime.fromisoformat(statement["exported_at"])


def _read(one: Mapping[str, Any]) -> Link:
    texts = {name: one[name] for name in ("position", "actor", "action", "before", "after", "digests")}
    at = datetime.fromisoformat(one["at"])
    return Link(chain_id=UUID(one["chain_id"]), id=UUID(one["id"]), at=at, **texts)
