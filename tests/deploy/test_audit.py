"""What `make audit` says and returns, whatever the vulnerability databases answer."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOUND: dict[str, object] = {"name": "sound", "version": "1", "vulns": []}
VULNERABLE: dict[str, object] = {"name": "weak", "version": "1", "vulns": [{"id": "PYSEC-1"}]}
UNKNOWN: dict[str, object] = {"name": "unknown", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("answers", "required", "status", "said"),
    [
        ([[SOUND], None], "1", 0, "1 dependencies, no known vulnerability (pypi)"),
        ([[SOUND, VULNERABLE], None], "0", 1, "weak 1: PYSEC-1"),
        ([[UNKNOWN], [VULNERABLE]], "0", 1, "weak 1: PYSEC-1"),
        ([None, [SOUND]], "1", 0, "(osv)"),
        ([[SOUND, UNKNOWN], None], "0", 0, "NOT AUDITED: unknown"),
        ([[SOUND, UNKNOWN], None], "1", 1, "NOT AUDITED: unknown"),
        ([[UNKNOWN, UNKNOWN], None], "1", 0, "!!!! audit: NOT AUDITED: no vulnerability database can be reached"),
        ([None, None], "1", 0, "!!!! audit: NOT AUDITED: no vulnerability database can be reached"),
    ],
)
def test_findings_fail_and_a_database_out_of_reach_is_one_loud_line(
    answers: Sequence[list[dict[str, object]] | None],
    required: str,
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    assert spec
    assert spec.loader
    audit = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(audit)
    by_source = dict(zip(audit.SOURCES, answers, strict=True))
    monkeypatch.setattr(audit, "ask", lambda source, _requirements: by_source[source])
    monkeypatch.setenv("REQUIRE_AUDIT", required)
    assert audit.main(Path("requirements.txt")) == status
    output = capsys.readouterr().out
    assert said in output
    assert output.count("\n") == 1


def test_the_pipeline_requires_the_audit() -> None:
    assert "REQUIRE_AUDIT=1" in (ROOT / ".ci" / "run").read_text("utf-8")
