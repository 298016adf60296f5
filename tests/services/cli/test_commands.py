"""Commands against a running Signpost: their output, and the exit codes that scripts rely on."""

import json
from pathlib import Path

import httpx
import pytest

from tests.services.cli import in_process
from tests.support.embedded import EmbeddedSignpost, begun, embedded_signpost
from tests.support.process import command

PEOPLE = "staff_id,name,email,organisation,manager_staff_id,from,to\n"
REPORT = {
    "platform": "x",
    "behaviours": ["doxing"],
    "affected": [{"relation": "self"}],
    "narrative": "A stranger published where I live.",
    "also_affects": ["dwp_information"],
}


@pytest.mark.timeout(600)
async def test_the_commands_of_a_running_signpost(data_dir: Path, tmp_path: Path) -> None:
    await begun(data_dir)
    async with embedded_signpost(data_dir) as signpost:
        await _reconcile_counts_what_was_accepted(signpost)
        await _rules_are_explained(signpost)
        await _imports_say_which_row_and_change_nothing(signpost, tmp_path)
        await _accounts_come_out_as_they_go_in(signpost, tmp_path)
        await _training_is_imported(signpost, tmp_path)
        await _dead_letters_are_listed(signpost)
        code, output = await signpost.in_this_process("audit", "verify", "--json")
        assert (code, json.loads(output)) == (0, {"triage": [], "registry": []})
        code, output = await signpost.command("audit", "verify", "--json", "--last-anchors")
        verified = json.loads(output)
        anchors = verified.pop("last_anchors")
        assert (code, verified) == (0, {"triage": [], "registry": []})
        assert anchors["registry"] is None or anchors["registry"]["number"] >= 1
        assert set(anchors) == {"triage", "registry"}


async def _reconcile_counts_what_was_accepted(signpost: EmbeddedSignpost) -> None:
    async with httpx.AsyncClient(base_url=signpost.url) as client:
        answer = await client.post("/report/api/v1/abuse-reports", json=REPORT)
    assert answer.status_code == httpx.codes.CREATED
    code, output = await signpost.command("reconcile", "--wait", "60", "--json")
    assert code == 0
    assert json.loads(output) == {
        "accepted": 1,
        "published": 1,
        "cases": 1,
        "alert_decisions": 1,
        "dead_lettered": 0,
        "in_flight": 0,
        "unaccounted": 0,
        "oldest_unaccounted_s": 0,
        **dict.fromkeys(("added", "added_arrived", "added_dead_lettered", "added_in_flight", "added_unaccounted"), 0),
    }
    code, output = await signpost.in_this_process("reconcile")
    assert code == 0
    assert "unaccounted" in output


async def _rules_are_explained(signpost: EmbeddedSignpost) -> None:
    token = await signpost.token("smart_lead", "S4002")
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=signpost.url, headers=headers) as client:
        (case,) = (await client.get("/cases/api/v1/cases")).json()["items"]
    code, output = await signpost.in_this_process("rules", "explain", case["reference"].lower())
    assert code == 0
    assert case["routing"]["explanation"] in output
    assert f"clause {case['routing']['clause']}" in output
    assert f"{case['reference']}-2: Sent to SIRT" in output
    code, output = await signpost.in_this_process("rules", "explain", "SP-0000")
    assert code == 2
    assert "not a reference" in output


async def _imports_say_which_row_and_change_nothing(signpost: EmbeddedSignpost, folder: Path) -> None:
    file = folder / "people.csv"
    file.write_text(f"{PEOPLE}S9901,Ann Field,ann.field@example.org,DWP,S2001,2026-01-01,\nS9902,,nowhere,,,,\n")
    code, output = await signpost.in_this_process("directory", "import", str(file))
    assert code == 1
    assert "row 3" in output
    assert "Nothing was changed" in output
    code, output = await signpost.in_this_process("directory", "import", str(file), "--accept-valid", "--json")
    assert code == 1
    assert json.loads(output)["applied"] is True
    file.write_bytes(b"\xff\xfe")
    code, output = await signpost.in_this_process("directory", "import", str(file))
    assert code == 2
    assert "not in UTF-8" in output


async def _accounts_come_out_as_they_go_in(signpost: EmbeddedSignpost, folder: Path) -> None:
    code, exported = await signpost.in_this_process("accounts", "export")
    assert code == 0
    file = folder / "accounts.csv"
    file.write_text(exported)
    code, output = await signpost.in_this_process("accounts", "import", str(file), "--json")
    assert code == 0, output
    assert json.loads(output)["summary"].startswith("0 accounts registered")


async def _training_is_imported(signpost: EmbeddedSignpost, folder: Path) -> None:
    file = folder / "training.csv"
    file.write_text("staff_id,course,completed_on\nS7004,Operating official accounts,2026-05-03\nS7004,,soon\n")
    code, output = await signpost.in_this_process("training", "import", str(file))
    assert code == 1
    assert "row 3, course: This cell is needed" in output
    assert "Nothing was changed" in output
    code, output = await signpost.in_this_process("training", "import", str(file), "--accept-valid", "--json")
    assert (code, json.loads(output)["summary"]) == (1, "1 records of training, 0 known already")


async def _dead_letters_are_listed(signpost: EmbeddedSignpost) -> None:
    code, output = await signpost.in_this_process("dead-letters", "list", "triage")
    assert (code, output.strip()) == (0, "triage has no open dead letters.")
    unknown = "00000000-0000-7000-8000-000000000000"
    code, output = await signpost.in_this_process("dead-letters", "replay", "triage", unknown, "--reason", "fixed")
    assert code == 2
    assert "no open dead letter" in output


async def test_a_rule_book_with_a_mistake_is_refused_with_its_place(tmp_path: Path) -> None:
    code, output = await command("rules", "check", settings={})
    assert code == 0
    assert "no mistake found" in output
    book = tmp_path / "book.yaml"
    book.write_text("rules: [")
    done = await in_process.signpost("rules", "check", str(book))
    assert done.exit_code == 1
    assert "line" in done.output
