"""An export of a case as one file: its manifest and its proof, and how a stranger checks both without Signpost.

Triage makes the documents and a statement of what the export holds, what is masked and what is left out. The digest of
the statement is in the last link of the case's chain, and that link is one of the documents. Intake adds the evidence.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from typing import IO, Any
from zipfile import BadZipFile, ZipFile

from shared.audit.chain import Link

MANIFEST, CHAIN = "manifest.json", "chain.json"
PROMISED = "statement.json"
"""The statement, on its way from triage to intake, which puts it in the manifest."""
EXPORTED = "case_exported"
"""The action of the link which proves an export: the last one of its chain."""
STATEMENT = "statement"
"""What that link calls the digest of the statement."""
_SHOWN = ("at", "actor", "action", "after")
"""What is shown of that link. Not where it stands, nor what it follows: that would say how many links there are, and
some of them may be nothing that the person who exports may know of."""
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


def proof(link: Link, hashed: bytes) -> bytes:
    """Return the link that proves an export as a file, with its hash, which the department finds in its record."""
    shown = {name: value for name, value in asdict(link).items() if name in _SHOWN}
    at = link.at.astimezone(UTC).isoformat(timespec="microseconds")
    return written({**shown, "chain_id": str(link.chain_id), "at": at, "hash": hashed.hex()})


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

    Only intake knows why, and nothing proves what it says: someone who had the file may have removed a piece.
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
    yield from _proof(json.loads(archive.read(CHAIN)), statement)


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


def _proof(link: Content, statement: Content) -> Iterator[str]:
    """Check that the link is about this export: that it is in the chain, only the department's record can say."""
    about = (str(link["chain_id"]), link["actor"], datetime.fromisoformat(link["at"]))
    expected = (statement["case_id"], statement["exported_by"], datetime.fromisoformat(statement["exported_at"]))
    says = (link["action"], link["after"].get(STATEMENT))
    if about != expected or says != (EXPORTED, digest(statement)):
        yield f"{CHAIN} does not prove this export"
