"""`signpost demo` against a running Signpost: its totals agree, it says if they do not, and it can be interrupted."""

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from demo.follow_up import LEAD
from demo.mix import ROUND, SCENARIOS, plan
from demo.readers import OperationsLedger
from demo.reports import PlannedReport
from demo.results import DemoResult
from demo.run import Demo
from demo.tokens import Bearer
from services.cli.demo import embedded_tokens
from services.embedded.data_directory import SAMPLE, DataDirectory
from services.triage.routing import rulebook
from shared.auth.tokens import ensure_key_files
from shared.clock import SystemClock
from tests.support.embedded import EmbeddedSignpost, begun, embedded_signpost
from tests.support.process import clean_environment, command

NEVER = "100000"
NOTICE_FIRST = 29
"""A seed whose first report is a notice of an exception."""


def _expected(reports: Iterable[PlannedReport]) -> int:
    return sum(planned.expected.accepted for planned in reports)


ACCEPTED = _expected(plan(1, ROUND))


async def demo(signpost: EmbeddedSignpost, *arguments: str) -> tuple[int, str]:
    return await signpost.command("demo", "--url", signpost.url, "--rate", "0", "--wait", "120", *arguments)


@asynccontextmanager
async def asking(signpost: EmbeddedSignpost) -> AsyncIterator[tuple[httpx.AsyncClient, Bearer, OperationsLedger]]:
    """Use it over the network alone, as from outside docker compose."""
    signing_key, _ = ensure_key_files(DataDirectory(signpost.data_dir).keys)
    bearer = embedded_tokens(signing_key, SAMPLE / "personas.yaml", SystemClock())
    async with httpx.AsyncClient(base_url=signpost.url, timeout=60) as client:
        yield client, bearer, OperationsLedger(client, bearer)


@pytest.mark.timeout(900)
@pytest.mark.policy("S3")
async def test_a_demo_adds_up(data_dir: Path, tmp_path: Path) -> None:
    await begun(data_dir)
    async with embedded_signpost(data_dir) as signpost:
        await _one_round_is_all_of_it(signpost)
        await _merged_cases_stay_accounted_for(signpost)
        await _the_same_seed_again_is_new_reports_in_a_table(signpost)
        await _the_operations_page_is_enough(signpost)
        await _ctrl_c_prints_the_sums_so_far(signpost)
        await _a_crash_in_the_middle_loses_and_doubles_nothing(signpost)
        code, output = await signpost.in_this_process("reconcile", "--wait", "60", "--json")
        assert (code, json.loads(output)["unaccounted"]) == (0, 0)
        await _another_rule_book_does_not_add_up(signpost, str(_with_another_team(tmp_path / "rulebook.yaml")))


async def _one_round_is_all_of_it(signpost: EmbeddedSignpost) -> None:
    code, output = await demo(signpost, "--json")
    told = json.loads(output)
    assert (code, told["problems"]) == (0, [])
    assert (told["sent"], told["accepted"], told["refused"]) == (ROUND, ACCEPTED, ROUND - ACCEPTED)
    assert {one["scenario"] for one in told["reports"]} == set(SCENARIOS)
    assert set(told["ledger"]["grew"].values()) == {ACCEPTED}
    assert told["followed_up"] > 1
    figures = json.loads((await signpost.in_this_process("reconcile", "--wait", "60", "--json"))[1])
    assert figures["accepted"] == await _accepted(signpost) == ACCEPTED
    assert figures["added"] == figures["added_arrived"] == 3 * told["followed_up"], "a file, an answer and a request"


async def _merged_cases_stay_accounted_for(signpost: EmbeddedSignpost) -> None:
    plain = {"kind": "abuse", "team": "smart", "state": "new", "priority": "P3"}
    async with asking(signpost) as (client, bearer, _ledger):
        headers = {"authorization": await bearer(LEAD)}
        listed = await client.get("/cases/api/v1/cases", params=plain, headers=headers)
        main, *others = [one for one in listed.json()["items"] if one["reference"].count("-") == 2][:3]
        for one in others:
            merged = await client.post(
                f"/cases/api/v1/cases/{one['case_id']}/merge",
                json={"into": main["reference"]},
                headers={**headers, "if-match": f'"{one["version"]}"'},
            )
            assert merged.status_code == httpx.codes.OK, merged.text
    code, output = await signpost.in_this_process("reconcile", "--wait", "60", "--json")
    figures = json.loads(output)
    assert (code, figures["unaccounted"], figures["cases"]) == (0, 0, ACCEPTED)


async def _the_same_seed_again_is_new_reports_in_a_table(signpost: EmbeddedSignpost) -> None:
    code, output = await demo(signpost, "--count", "20")
    assert code == 0, output
    assert re.search(r"SP-\w{4}-\w{4}\s+201\s+S", output)
    assert "Everything adds up." in output
    assert await _accepted(signpost) == ACCEPTED + _expected(plan(1, 20))


async def _the_operations_page_is_enough(signpost: EmbeddedSignpost) -> None:
    async with asking(signpost) as (client, bearer, ledger):
        result: DemoResult = await Demo(client, bearer, ledger, lambda _name, _parts: lambda: None).run(
            plan(5, 8, run="operations"), count=8, rate=0, wait=120
        )
    assert list(result.problems()) == []
    assert result.growth == {"accepted": result.accepted}


async def _ctrl_c_prints_the_sums_so_far(signpost: EmbeddedSignpost) -> None:
    before = await _accepted(signpost)
    process = await _under_way(signpost, before, "--count", NEVER, "--seed", "9")
    process.send_signal(signal.SIGINT)
    output, _ = await process.communicate()
    told = json.loads(output)
    assert (process.returncode, told["interrupted"], told["problems"]) == (130, True, [])
    assert 10 <= told["accepted"] < told["sent"] < int(NEVER)
    assert await _accepted(signpost) == before + told["accepted"]


async def _a_crash_in_the_middle_loses_and_doubles_nothing(signpost: EmbeddedSignpost) -> None:
    before, count = await _accepted(signpost), 40
    process = await _under_way(signpost, before, "--seed", "10", "--rate", "5", "--count", str(count))
    await signpost.kill()  # most reports are still to be sent
    await signpost.start()
    output, _ = await process.communicate()
    told = json.loads(output)
    assert (process.returncode, told["problems"], told["accepted"]) == (0, [], _expected(plan(10, count)))
    assert told["repeated"] > 0
    assert await _accepted(signpost) == before + told["accepted"]


async def _another_rule_book_does_not_add_up(signpost: EmbeddedSignpost, book: str) -> None:
    await signpost.stop()
    await signpost.start(SIGNPOST_TRIAGE_RULEBOOK_FILE=book)
    code, _ = await demo(signpost, "--seed", str(NOTICE_FIRST), "--count", "1", "--wait", "0")
    assert code == 1
    async with asking(signpost) as (client, bearer, ledger):
        waiting = asyncio.Event()

        def progress(name: str, _parts: int) -> Callable[[], None]:
            return waiting.set if name == "Cases and alerts read" else lambda: None

        demonstration = Demo(client, bearer, ledger, progress)
        demonstration._interruptions.waiting = waiting  # the case is there: nothing more is to come
        result = await demonstration.run(plan(NOTICE_FIRST, 1, run="elsewhere"), count=1, rate=0, wait=120)
    wrongly = "(exception:notice) is with triage_desk instead of policy_standards"
    assert any(problem.endswith(wrongly) for problem in result.problems()), list(result.problems())


def _with_another_team(book: Path) -> Path:
    right = rulebook.PACKAGED.read_text(encoding="utf-8")
    wrong = right.replace("team: policy_standards", "team: triage_desk")
    assert wrong != right
    book.write_text(wrong, encoding="utf-8")
    return book


async def _under_way(signpost: EmbeddedSignpost, before: int, *arguments: str) -> asyncio.subprocess.Process:
    """Start a demo and wait until some of its reports are accepted."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.cli",
        *("demo", "--url", signpost.url, "--rate", "20", "--wait", "120", "--json", *arguments),
        env=clean_environment({"SIGNPOST_DATA_DIR": str(signpost.data_dir)}),
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(300):
        while await _accepted(signpost) < before + 10:
            await asyncio.sleep(0.1)
    return process


async def _accepted(signpost: EmbeddedSignpost) -> int:
    """Return how many reports the ledger has, without the time that a command takes to start."""
    async with signpost.database("intake") as connection:
        return int(await connection.fetchval("select count(*) from ledger"))


async def test_a_demo_needs_somebody_to_send_to(tmp_path: Path) -> None:
    code, output = await command("demo", settings={"SIGNPOST_DATA_DIR": str(tmp_path / "nothing")})
    assert code == 2
    assert "no Signpost runs on" in output
    secret = {"SIGNPOST_DEMO_CLIENT_SECRET": "canary-of-the-client-secret"}
    code, output = await command("demo", settings=secret)
    assert code == 2
    assert "--token-url" in output
    nobody = "http://127.0.0.1:9"
    code, output = await command("demo", "--url", nobody, "--token-url", f"{nobody}/token", settings=secret)
    assert code == 2
    assert f"no Signpost is ready at {nobody}" in output
    assert "canary" not in output
