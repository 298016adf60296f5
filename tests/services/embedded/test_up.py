"""`signpost up` as a user sees it: it starts, says clearly why it does not, stops cleanly and keeps its data."""

import os
import signal
import socket
from pathlib import Path

import httpx
import pytest

from tests.support.embedded import EmbeddedSignpost, embedded_signpost
from tests.support.process import command

REPORT = {
    "platform": "x",
    "behaviours": ["harassment"],
    "affected": [{"relation": "self"}],
    "narrative": "A stranger writes to me every day.",
}


@pytest.mark.timeout(300)
async def test_it_stops_in_order_and_a_second_start_keeps_the_data(data_dir: Path) -> None:
    async with embedded_signpost(data_dir) as signpost:
        async with httpx.AsyncClient(base_url=signpost.url) as client:
            accepted = await client.post("/report/api/v1/abuse-reports", json=REPORT)
        assert accepted.status_code == httpx.codes.CREATED, accepted.text
        await _answers_its_own_names_only(signpost)
        await _stops_in_order(signpost, signal.SIGINT)

        await signpost.start()
        body = accepted.json()
        async with httpx.AsyncClient(base_url=signpost.url) as client:
            status = await client.get(
                f"/report/api/v1/reports/{body['reference']}", headers={"Receipt-Code": body["receipt_code"]}
            )
        assert status.status_code == httpx.codes.OK, status.text
        await _refuses_a_second_instance(signpost)
        await _stops_in_order(signpost, signal.SIGTERM)
        await signpost.start()  # so that a data directory that was stopped either way is known to start again


async def _answers_its_own_names_only(signpost: EmbeddedSignpost) -> None:
    port = signpost.url.rpartition(":")[2]
    ours = [f"{name}:{port}" for name in ("localhost", "127.0.0.1", "[::1]", "LOCALHOST")]
    others = ["evil.example", f"evil.example:{port}", f"127.0.0.1:{port}@evil", "127.0.0.1", "127.0.0.1:1", "[::2]", ""]
    pages = ("/", "/mail", "/mail/api/v1/messages", "/cases/metrics", "/report/health/live", "/assets/nothing")
    async with httpx.AsyncClient(base_url=signpost.url) as client:
        for page in pages:
            statuses = {(await client.get(page, headers={"host": host})).status_code for host in others}
            assert statuses == {httpx.codes.MISDIRECTED_REQUEST}, page
        known = [(await client.get("/mail", headers={"host": host})).status_code for host in ours]
    assert known == [httpx.codes.OK] * len(ours)


async def _stops_in_order(signpost: EmbeddedSignpost, how: signal.Signals) -> None:
    assert await signpost.stop(how) == 0
    assert "its data stays" in signpost.output
    assert "Traceback" not in signpost.output
    assert not (signpost.data_dir / "postgres" / "postmaster.pid").exists(), "PostgreSQL must stop too"


async def _refuses_a_second_instance(signpost: EmbeddedSignpost) -> None:
    code, output = await signpost.command("up", "--port", "0")
    assert code == 2
    assert "another Signpost is already running" in output
    _assert_one_line(output)
    async with httpx.AsyncClient(base_url=signpost.url) as client:
        assert (await client.get("/report/health/ready")).status_code == httpx.codes.OK


@pytest.mark.timeout(120)
async def test_a_busy_port_is_one_clear_line(data_dir: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = {"SIGNPOST_DATA_DIR": str(data_dir)}
        code, output = await command("up", "--port", str(port), settings=settings)
    assert code == 2
    assert f"port {port}" in output
    _assert_one_line(output)


@pytest.mark.timeout(120)
async def test_a_data_directory_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    code, output = await command("up", "--port", "0", settings={"SIGNPOST_DATA_DIR": str(in_the_way / "data")})
    assert code == 2
    assert "cannot write to the data directory" in output
    _assert_one_line(output)


@pytest.mark.timeout(120)
@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere; the test above covers the refusal")
async def test_a_data_directory_without_permission_is_one_clear_line(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    code, output = await command("up", "--port", "0", settings={"SIGNPOST_DATA_DIR": str(closed / "data")})
    assert code == 2
    assert "cannot write to the data directory" in output


@pytest.mark.timeout(120)
async def test_a_misspelt_setting_stops_the_start_with_its_name(data_dir: Path) -> None:
    settings = {"SIGNPOST_DATA_DIR": str(data_dir), "SIGNPOST_ALERT_DOMAIN": "example.org"}
    code, output = await command("up", "--port", "0", settings=settings)
    assert code == 2
    assert "unknown setting: SIGNPOST_ALERT_DOMAIN" in output
    _assert_one_line(output)


@pytest.mark.timeout(120)
async def test_a_command_without_a_running_signpost_says_how_to_start_one(data_dir: Path) -> None:
    code, output = await command("reconcile", settings={"SIGNPOST_DATA_DIR": str(data_dir)})
    assert code == 2
    assert "make run" in output
    _assert_one_line(output)


def _assert_one_line(output: str) -> None:
    lines = [line for line in output.splitlines() if line.startswith("signpost: ")]
    assert len(lines) == 1
    assert "Traceback" not in output
