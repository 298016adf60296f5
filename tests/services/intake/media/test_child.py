"""What the child process may use: each limit is met by something real, and what is refused has words for people."""

import asyncio
import ctypes
import errno
import io
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from PIL import Image

from services.intake.media import media, renderer
from services.intake.media.child import Ending, Limits, Look, limit_reach
from services.intake.media.media import MediaType
from services.intake.media.renderer import CannotRead
from tests.services.intake.media.samples import drawn, frames, pdf, picture, png_of, video

BEFORE = "import os, resource, socket, sys, threading; from services.intake.media.child import *; "
SIZE = BEFORE + "limit_size(Limits(memory=300_000_000, processor=1, output=1000)); "
REACH = BEFORE + "limit_reach(Limits()); "

TRIPPED = {
    "memory": (SIZE + "bytes(400_000_000)", "MemoryError"),
    "output": (SIZE + "f = open(1, 'wb'); f.write(bytes(1001)); f.close()", "OSError: [Errno 27] File too large"),
    "core dumps": (SIZE + "sys.exit(f'core {resource.getrlimit(resource.RLIMIT_CORE)}')", "core (0, 0)"),
    "threads, which libraries need": (
        REACH + "t = threading.Thread(target=print); t.start(); t.join(); sys.exit('it ran')",
        "it ran",
    ),
}


FORBIDDEN: Mapping[str, Callable[[str], object]] = {
    "open to read": lambda name: os.open(name, os.O_RDONLY),
    "open to write": lambda name: os.open(name, os.O_WRONLY),
    "unlink": os.unlink,
    "rename": lambda name: Path(name).rename(name),
    "link": lambda name: Path(f"{name}-2").symlink_to(name),
    "truncate": lambda name: os.truncate(name, 0),
    "chmod": lambda name: Path(name).chmod(0o600),
    "mkdir": lambda name: Path(f"{name}-2").mkdir(),
    "fork": lambda _: os.fork(),
    "execve": lambda _: called("execv", b"/bin/true", None),
    "spawn": lambda _: os.posix_spawn("/bin/true", ["true"], {}),
    "socket": lambda _: socket.socket(),
    "socketpair": lambda _: socket.socketpair(),
    "pipe": lambda _: os.pipe(),
    "kill": lambda _: os.kill(os.getppid(), 0),
    "tgkill": lambda _: called("tgkill", os.getppid(), os.getppid(), 0),
    "ptrace": lambda _: called("ptrace", 16, os.getppid(), None, None),
    "process_vm_readv": lambda _: called("process_vm_readv", os.getppid(), b"", 0, b"", 0, 0),
    "process_vm_writev": lambda _: called("process_vm_writev", os.getppid(), b"", 0, b"", 0, 0),
    "prlimit": lambda _: resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE),
    "setpriority": lambda _: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19),
}
"""What a child tries, with the name of a file that is its own."""


def called(call: str, *arguments: object) -> None:
    """Call the C library."""
    if getattr(ctypes.CDLL(None, use_errno=True), call)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), call)


def test_a_child_reaches_nothing_but_what_it_was_given(tmp_path: Path) -> None:
    (kept := tmp_path / "kept").write_text("content")
    child = "from tests.services.intake.media.test_child import *; import sys; allowed_after_limits(sys.argv[1])"
    ended = subprocess.run([sys.executable, "-c", child, str(kept)], stdout=subprocess.PIPE, check=True)
    assert ended.stdout.decode() == ""
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("kept", "content")]


def allowed_after_limits(name: str) -> None:
    """Print each of these calls that was not refused."""
    limit_reach(Limits(files=64))
    for call, try_it in FORBIDDEN.items():
        try:
            try_it(name)
        except PermissionError as refused:
            if refused.errno == errno.EPERM:
                continue
        print(call, flush=True)  # noqa: T201  # to its parent


@pytest.mark.parametrize("limit", TRIPPED)
def test_a_child_cannot_go_beyond(limit: str, tmp_path: Path) -> None:
    code, said = TRIPPED[limit]
    with (tmp_path / "output").open("wb") as output:
        ended = subprocess.run([sys.executable, "-c", code], stdout=output, stderr=subprocess.PIPE, check=False)
    assert ended.stderr.decode().strip().splitlines()[-1].startswith(said)


def test_a_child_that_computes_for_too_long_is_ended() -> None:
    ended = subprocess.run([sys.executable, "-c", SIZE + "\nwhile True: pass"], check=False)
    assert -ended.returncode in {signal.SIGXCPU, signal.SIGKILL}


def locked() -> bytes:
    number = "00112233445566778899aabbccddeeff"
    encryption = f"<< /Filter /Standard /V 1 /R 2 /O <{number * 2}> /U <{number * 2}> /P -44 >>"
    return pdf("one", trailer=f"/Encrypt {encryption} /ID [<{number}> <{number}>]")


def huge_webp() -> bytes:
    """Return a WebP whose header says that it is as large as one can be."""
    return picture("WEBP", lossless=True)[:21] + b"\xff\xff\xff\x0f" + picture("WEBP", lossless=True)[25:]


def packed_in_pdf() -> bytes:
    """Return a PDF with a picture of 2.7 GB in it that is packed twice."""
    packer = zlib.compressobj(wbits=-15)
    part = packer.compress(bytes(30_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)  # as often as one likes
    checked = struct.pack(">HH", 90 * 30_000_000 % 65521, 1)
    twice = zlib.compress(b"\x78\x9c" + part * 90 + packer.flush() + checked).decode("latin-1")
    more = (
        "<< /Type /XObject /Subtype /Image /Width 30000 /Height 30000 /BitsPerComponent 8 /ColorSpace /DeviceRGB "
        f"/Filter [/FlateDecode /FlateDecode] /Length {len(twice)} >>\nstream\n{twice}\nendstream"
    )
    return pdf("x) Tj ET q 500 0 0 500 0 0 cm /Im Do Q BT (", more=more, resources="/XObject << /Im 100 0 R >>")


DAMAGED = "The file is damaged or not complete. Save a new copy of it and send that, or send a screenshot"
TOO_LARGE = "The file needs too much memory to open. Send a smaller copy of it, or a screenshot"
TOO_COSTLY = "The file takes too much time or space to open. Send a smaller copy of it, or a screenshot"
TOO_LONG = "The PDF has more than 200 pages. Send the pages that matter as a PDF of their own"
LOCKED = "The PDF asks for a password. Save a copy without a password and send that, or send a screenshot"
SMALL = Limits(memory=260_000_000)

REFUSED: dict[str, tuple[MediaType, Callable[[], bytes], Limits, str]] = {
    "a PNG that says it is huge": (media.PNG, lambda: png_of(60_000, 60_000, rows=9), Limits(), TOO_LARGE),
    "a GIF that says it is huge": (
        media.GIF,
        lambda: picture("GIF").replace(b"\xa0\x00\x78\x00", b"\xff\xff\xff\xff", 1),
        Limits(),
        TOO_LARGE,
    ),
    "a GIF with very many frames": (
        media.GIF,
        lambda: frames("GIF", 200).replace(b"\x28\x00\x1e\x00", b"\xe8\x03\xe8\x03", 1),
        Limits(),
        TOO_LARGE,
    ),
    "a PNG with a packed note of 100 MB": (
        media.PNG,
        lambda: png_of(9, 9, (b"zTXt", b"a\0\0" + zlib.compress(bytes(100_000_000))), rows=9),
        Limits(),
        DAMAGED,
    ),
    "a picture that takes more memory": (media.PNG, lambda: png_of(7000, 7000, rows=7000), SMALL, TOO_LARGE),
    "a WebP that says it is huge": (media.WEBP, huge_webp, Limits(), TOO_LARGE),
    "a WebP that takes more memory": (
        media.WEBP,
        lambda: picture("WEBP", Image.effect_noise((3500, 3500), 60).convert("RGB"), method=0),
        Limits(memory=325_000_000),
        TOO_LARGE,
    ),
    "a HEIC that takes more memory": (
        media.HEIC,
        lambda: picture("HEIF", Image.effect_noise((2500, 2500), 60).convert("RGB")),
        Limits(memory=105_000_000),
        TOO_LARGE,
    ),
    "a copy that takes more space": (media.PNG, lambda: picture("PNG"), Limits(output=100), TOO_COSTLY),
    "what takes more processor time": (media.PDF, lambda: pdf(*"x" * 190), Limits(processor=1), TOO_COSTLY),
    "what takes more time": (media.PNG, lambda: picture("PNG"), Limits(wall_clock=0.01), TOO_COSTLY),
    "a PDF of very many pages": (media.PDF, lambda: pdf(*"x" * 201), Limits(), TOO_LONG),
    "a PDF with a password": (media.PDF, locked, Limits(), LOCKED),
    "a PDF without pages": (media.PDF, pdf, Limits(), DAMAGED),
    "a PDF with a packed picture of 2.7 GB": (media.PDF, packed_in_pdf, Limits(memory=400_000_000), TOO_LARGE),
    "half a PNG": (media.PNG, lambda: picture("PNG", drawn((600, 600)))[:500], Limits(), DAMAGED),
    "half a JPEG": (media.JPEG, lambda: picture("JPEG", drawn((600, 600)))[:3000], Limits(), DAMAGED),
    "half a PDF": (media.PDF, lambda: pdf("one")[:90], Limits(), DAMAGED),
    "half a video": (media.MP4, lambda: video("mp4", "libx264")[:700], Limits(), DAMAGED),
    "another type of picture": (media.PNG, lambda: picture("JPEG"), Limits(), DAMAGED),
    "a playlist": (media.MP3, lambda: b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", Limits(), DAMAGED),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_cannot_be_opened_has_words_for_its_sender(name: str) -> None:
    media_type, made, limits, words = REFUSED[name]
    with pytest.raises(CannotRead) as refused:
        await renderer.clean(io.BytesIO(made()), media_type, limits)
    assert refused.value.words == words
    assert str(refused.value) in {ending.name.lower() for ending in Ending}, (
        "a log line of it quotes nothing of the file"
    )
    assert refused.value.words_for_team.startswith("There is no preview, because ")


def test_each_ending_has_words() -> None:
    assert set(renderer.WORDS) == set(renderer.WORDS_FOR_TEAM) == set(Ending) - {Ending.DONE, Ending.NO_ROOM}


async def test_a_child_whose_parent_gives_up_is_ended(instead_of_python: Callable[[str], None]) -> None:
    instead_of_python("exec tail -f /dev/null")
    for give_up in (lambda task: task.cancel(), lambda _: None):
        task = asyncio.create_task(renderer.clean(io.BytesIO(picture("PNG")), media.PNG, Limits(wall_clock=2)))
        while not children("tail") and not task.done():
            await asyncio.sleep(0.01)
        give_up(task)
        async with asyncio.timeout(60):
            with pytest.raises((asyncio.CancelledError, CannotRead)):
                await task
        assert children("tail") == set()


def children(called: str = "media.child") -> set[str]:
    return {
        child
        for task in Path("/proc/self/task").iterdir()
        for child in _read(task / "children").split()
        if called in _read(Path(f"/proc/{child}/cmdline"))
    }


def _read(file: Path) -> str:
    """Return what a file of the system says; nothing, if its thread or process has ended."""
    try:
        return file.read_text()
    except OSError:
        return ""


@pytest.fixture
def instead_of_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def write(script: str) -> None:
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))

    return write


async def test_a_child_is_given_no_secret(
    instead_of_python: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNPOST_SECRET_KEY", "a secret that a child need not know")
    instead_of_python("pwd; env")
    with await renderer._run("clean", io.BytesIO(b"content"), media.PNG, Look(), Limits()) as output:
        said = output.read().decode()
    assert said.startswith("/\n")
    assert "SIGNPOST" not in said
    assert set(os.environ) & {line.partition("=")[0] for line in said.splitlines()} <= {"PWD", "SHLVL", "_"}


async def test_what_a_child_gives_back_is_not_trusted(instead_of_python: Callable[[str], None]) -> None:
    instead_of_python("echo '<html><script>alert(1)</script>'")
    for work in (renderer.clean, renderer.preview):
        with pytest.raises(CannotRead):
            await work(io.BytesIO(picture("PNG")), media.PNG)


async def test_a_start_is_quick() -> None:
    took = []
    for _ in range(5):
        began = time.monotonic()
        await renderer.preview(io.BytesIO(picture("PNG")), media.PNG)
        drawn = time.monotonic()
        await (await asyncio.create_subprocess_exec(sys.executable, "-I", "-c", "pass")).wait()
        took.append((drawn - began, time.monotonic() - drawn))
    print(f"\na small preview, from asking to having it: {min(took)[0] * 1000:.0f} ms")  # noqa: T201  # a figure to compare
    assert min(preview / start for preview, start in took) < 20, "a bare start of Python beside it is the measure"
