"""What `signpost up` and `signpost serve` do before they say that they are ready."""

import pytest

from services.cli import serve


def test_what_is_wired_is_settled_before_anybody_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said_by_then: list[str] = []
    monkeypatch.setattr(serve, "keep_what_is_wired", lambda: said_by_then.append(capsys.readouterr().out))
    serve._show_ready("http://127.0.0.1:1")
    assert said_by_then == [""]
    assert "is ready: http://127.0.0.1:1" in capsys.readouterr().out
