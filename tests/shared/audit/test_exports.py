"""An export of a case as a stranger checks it: whatever was changed in it is found."""

import io
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID
from zipfile import ZipFile

import pytest
from typer.testing import CliRunner

from services.cli.main import command_line
from shared.audit import exports
from shared.audit.chain import Link

CASE, PIECE, LOST = UUID(int=1), UUID(int=2), UUID(int=3)
AT = datetime(2026, 11, 30, 10, 0, tzinfo=UTC)
MISSING = 2
FILE, BYTES = f"evidence-{PIECE}.txt", b"They wrote this"
Members = dict[str, bytes]


def hashed(content: bytes) -> str:
    return sha256(content).hexdigest()


def link(position: int, action: str, after: Mapping[str, str]) -> Link:
    return Link(CASE, position, UUID(int=10 + position), AT, "S4001", action, {}, after, {"reason": "ab" * 32})


def members(*, lost: bool = True) -> Members:
    """Return the files of an export with a document, a piece of evidence, and one that was found damaged."""
    statement = {
        "case": "SP-1234-5678",
        "case_id": str(CASE),
        "exported_by": "S4001",
        "exported_at": AT.isoformat(),
        "documents": {"case.pdf": hashed(b"%PDF")},
        "evidence": [
            {"evidence_id": str(PIECE), "sha256": hashed(BYTES)},
            {"evidence_id": str(LOST), "sha256": hashed(b"gone")},
        ][: 1 + lost],
    }
    last = link(2, exports.EXPORTED, {exports.STATEMENT: exports.digest(statement)})
    files = {"case.pdf": b"%PDF", exports.CHAIN: exports.proof(last, last.hash(bytes(32))), FILE: BYTES}
    evidence = [
        {"evidence_id": str(PIECE), "file": FILE, "left_out": None},
        {"evidence_id": str(LOST), "file": None, "left_out": "damaged"},
    ][: 1 + lost]
    listed = [{"name": name, "size": len(content), "sha256": hashed(content)} for name, content in files.items()]
    return {exports.MANIFEST: exports.manifest(statement, evidence, listed), **files}


def archive(files: Members) -> io.BytesIO:
    made = io.BytesIO()
    with ZipFile(made, "w") as written:
        for name, content in files.items():
            written.writestr(name, content)
    return made


def test_the_link_that_proves_an_export_does_not_say_how_many_there_are() -> None:
    shown = json.loads(members()[exports.CHAIN])
    assert shown.keys() == {"at", "actor", "action", "after", "chain_id", "hash"}


def restated(files: Members, change: Callable[[dict[str, Any]], object]) -> None:
    """Forge the manifest: change it, and give it the right digest again."""
    says = json.loads(files[exports.MANIFEST])
    del says["sha256"]
    change(says)
    files[exports.MANIFEST] = exports.written({**says, "sha256": exports.digest(says)})


def test_what_was_handed_out_has_no_problem() -> None:
    assert exports.problems(archive(members())) == []


@pytest.mark.parametrize("name", [exports.MANIFEST, exports.CHAIN, "case.pdf", FILE])
def test_one_changed_byte_anywhere_is_found(name: str) -> None:
    whole = members()[name]
    for place in range(0, len(whole), max(1, len(whole) // 60)):
        changed = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        assert exports.problems(archive({**members(), name: changed})), f"byte {place} of {name}"


@pytest.mark.parametrize(
    ("forge", "problem"),
    [
        (lambda files: files.pop(FILE), f"{FILE} is missing"),
        (lambda files: files.update({"more.txt": b"?"}), "more.txt is not in the manifest"),
        (
            lambda files: restated(files, lambda says: says["evidence"].pop()),
            f"evidence {LOST} is missing",
        ),
        (
            lambda files: restated(files, lambda says: says["statement"].update(exported_by="S4002")),
            "chain.json does not prove this export",
        ),
        (
            lambda files: restated(files, lambda says: says["statement"]["evidence"].pop()),
            "chain.json does not prove this export",
        ),
    ],
)
def test_what_is_forged_with_right_hashes_is_found(forge: Callable[[Members], object], problem: str) -> None:
    files = members()
    forge(files)
    assert problem in exports.problems(archive(files))


def test_a_document_put_in_the_place_of_another_is_found() -> None:
    files = {**members(), "case.pdf": b"%PDF of something else"}
    new = {"name": "case.pdf", "size": 1, "sha256": hashed(files["case.pdf"])}
    restated(files, lambda says: says.update(members=[new, *says["members"][1:]]))
    assert exports.problems(archive(files)) == ["case.pdf is not the one that the statement names"]


def test_the_command_says_whether_it_is_whole(tmp_path: Path) -> None:
    file, arguments = tmp_path / "export.zip", ["audit", "verify-export", str(tmp_path / "export.zip")]
    for files, code, said in (
        (members(lost=False), 0, "This export of SP-1234-5678 is whole. Its statement: "),
        (members(), 2, "This export of SP-1234-5678 has not all that it promises. Its statement: "),
        ({**members(), FILE: b"changed"}, 1, f"{FILE} was changed"),
    ):
        file.write_bytes(archive(files).getvalue())
        run = CliRunner().invoke(command_line(arguments), arguments)
        assert (run.exit_code, run.output.startswith(said)) == (code, True)
        assert (f"Evidence {LOST} is not in it, because it is 'damaged'" in run.output) == (code == MISSING)
    file.write_bytes(b"no archive")
    run = CliRunner().invoke(command_line(arguments), arguments)
    assert run.output == "The file is damaged, or it is no export of a case\n"
