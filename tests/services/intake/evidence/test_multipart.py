"""A form that is read as it arrives has the same fields however it is cut, and one that ends too early is noticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message

from services.intake.evidence.multipart import FormStream, Truncated
from shared.web.problems import Problem

PARTS = st.lists(
    st.tuples(
        st.sampled_from(["note", "file"]), st.none() | st.sampled_from(["a.png", "b c.txt"]), st.binary(max_size=300)
    ),
    max_size=5,
)


def form(parts: list[tuple[str, str | None, bytes]]) -> bytes:
    """Return a form with `parts`, whose boundary is in none of them."""
    body = bytearray()
    for name, file_name, content in parts:
        file = f'; filename="{file_name}"' if file_name else ""
        body += (
            f'--b0undary\r\ncontent-disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content + b"\r\n"
        )
    return bytes(body + b"--b0undary--\r\n")


async def read(body: bytes, piece: int) -> list[tuple[str, str | None, bytes]]:
    """Return what is read of `body`, of which `piece` bytes arrive at a time."""
    pieces = [body[start : start + piece] for start in range(0, len(body), piece)]

    async def receive() -> Message:
        if not pieces:
            return {"type": "http.request", "body": b"", "more_body": False}
        return {"type": "http.request", "body": pieces.pop(0), "more_body": True}

    kind = (b"content-type", b"multipart/form-data; boundary=b0undary")
    request = Request({"type": "http", "method": "POST", "path": "/", "headers": [kind]}, receive)
    return [
        (part.name, part.file_name, b"".join([chunk async for chunk in part.chunks()]))
        async for part in FormStream(request).parts()
    ]


@given(parts=PARTS, piece=st.integers(1, 400))
async def test_it_is_read_the_same_however_it_is_cut(parts: list[tuple[str, str | None, bytes]], piece: int) -> None:
    assert await read(form(parts), piece) == parts


async def test_no_more_is_typed_beside_files_than_a_form_of_ours_takes() -> None:
    body = form([(f"field{number}", None, b"x" * 100_000) for number in range(12)])
    pieces = [body[start : start + 65_536] for start in range(0, len(body), 65_536)]

    async def receive() -> Message:
        return {"type": "http.request", "body": pieces.pop(0) if pieces else b"", "more_body": bool(pieces)}

    kind = (b"content-type", b"multipart/form-data; boundary=b0undary")
    request = Request({"type": "http", "method": "POST", "path": "/", "headers": [kind]}, receive)
    with pytest.raises(Problem) as refused:
        [await part.text() async for part in FormStream(request).parts()]
    assert refused.value.status == 413


@given(parts=PARTS.filter(bool), piece=st.integers(1, 400), data=st.data())
async def test_one_that_ends_too_early_is_noticed(
    parts: list[tuple[str, str | None, bytes]], piece: int, data: st.DataObject
) -> None:
    body = form(parts)
    cut = data.draw(st.integers(0, len(body) - len("--\r\n")))
    with pytest.raises(Truncated):
        await read(body[:cut], piece)
