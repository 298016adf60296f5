"""The child process that opens what a stranger made: it cleans or draws one file, and can do nothing else.

It is given the file as its standard input and writes to its standard output, both unlinked files. Before it reads the
first byte it gives up what it does not need: it cannot open a file or a socket, start a process, or use more memory,
time or space than it is told. Nothing that it read gets out but its output and one number.
"""

import ctypes
import errno
import importlib
import os
import platform
import resource
import struct
import sys
from enum import IntEnum
from typing import BinaryIO, NamedTuple, NoReturn, Protocol


class Ending(IntEnum):
    """How the child ends: its exit status."""

    DONE = 0
    DAMAGED = 80
    TOO_LARGE = 81
    """It needs more memory, time or space than a file may."""
    TOO_LONG = 82
    """It has more pages than a document may."""
    LOCKED = 83
    """It asks for a password."""
    NOTES = 84
    """It may say who made it in a way that cannot be taken out."""


class Refused(Exception):
    """The file cannot be worked on, for the reason that its ending gives."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.name)
        self.ending = ending


class Limits(NamedTuple):
    """What one file may cost."""

    memory: int = 1024 * 1024 * 1024
    """Bytes of address space; Python and the libraries have 200 MB of them."""
    processor: int = 60
    """Seconds."""
    output: int = 512 * 1024 * 1024
    """Bytes."""
    files: int = 3
    """Input, output and standard error: no other can be opened."""
    wall_clock: float = 120
    """Seconds, watched by the parent: sleeping costs no processor time."""


class Look(NamedTuple):
    """How a preview looks. It begins blurred and grey, so that no one sees more than they are ready for."""

    sharp: bool = False
    colour: bool = False


class Job(NamedTuple):
    """One file to work on."""

    source: BinaryIO
    output: BinaryIO
    media_type: str
    look: Look = Look()


class Library(Protocol):
    """What a module does with the kinds of file that it is for."""

    def clean(self, job: Job) -> None:
        """Write a copy that shows the same and says nothing of its maker."""

    def preview(self, job: Job) -> None:
        """Write a picture or a text that shows what is in the file."""


def run() -> NoReturn:
    """Do the job that the command line names, and end with an `Ending`."""
    ending = Ending.DONE
    try:
        main(*sys.argv[1:])
    except BaseException as error:  # noqa: BLE001  # the outermost place of a process; its parent has words for each ending
        ending = ending_of(error)
    os._exit(ending)  # without what libraries do at an exit: it may need what is forbidden by now


def ending_of(error: BaseException) -> Ending:
    """Return how a child ends that met an error. What the error says may quote the file, and is dropped."""
    if isinstance(error, Refused):
        return error.ending
    too_large = isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.EFBIG)
    return Ending.TOO_LARGE if too_large else Ending.DAMAGED


def library_for(kind: str) -> Library:
    """Return the module for a kind of file: only that one is loaded, which halves the time of a start."""
    return importlib.import_module(f"services.intake.media.{_LIBRARIES[kind]}")


_LIBRARIES = {"picture": "pictures", "PDF": "pdfs", "email": "emails", "audio": "recordings", "video": "recordings"}


def main(work: str, kind: str, media_type: str, sharp: str, colour: str, *limits: str) -> None:
    """Do one job, within limits."""
    given = Limits(*(int(limit) for limit in limits))
    limit_size(given)
    library = library_for(kind)
    limit_reach(given)
    source, output = open(0, "rb", closefd=False), open(1, "w+b", closefd=False)  # noqa: SIM115  # they end as it does
    source.seek(0)
    job = Job(source, output, media_type, Look(sharp == "sharp", colour == "colour"))
    (library.clean if work == "clean" else library.preview)(job)
    output.flush()


def limit_size(limits: Limits) -> None:
    """Limit memory, processor time and output. A core dump would keep what was read, so there is none."""
    _set(resource.RLIMIT_AS, limits.memory)
    _set(resource.RLIMIT_CPU, limits.processor)
    _set(resource.RLIMIT_FSIZE, limits.output)
    _set(resource.RLIMIT_CORE, 0)


def limit_reach(limits: Limits) -> None:
    """Limit open files, and forbid processes and sockets: everything is loaded by now."""
    if calls := _MACHINES.get(platform.machine()):
        _forbid_calls(calls)
    else:
        _set(resource.RLIMIT_NPROC, 0)
    _set(resource.RLIMIT_NOFILE, limits.files)


def _set(what: int, most: int) -> None:
    resource.setrlimit(what, (most, most))


# seccomp(2): RLIMIT_NPROC counts threads, which libraries need, and does not hold for root; nothing limits sockets ---

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_CALL, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _FAIL, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_THREAD = 0x00010000
"""The flag of clone(2) with which it makes a thread."""
_X32 = 0x40000000
"""From this number on, x86_64 has the same calls once more."""


class _Calls(NamedTuple):
    """A machine's numbers."""

    architecture: int
    clone: int
    clone3: int
    others: tuple[int, ...]
    """fork, vfork, execve, execveat, socket, socketpair, connect, ptrace, kill, tkill."""


_MACHINES = {
    "x86_64": _Calls(0xC000003E, 56, 435, (57, 58, 59, 322, 41, 53, 42, 101, 62, 200)),
    "aarch64": _Calls(0xC00000B7, 220, 435, (221, 281, 198, 199, 203, 117, 129, 130)),
}


def _forbid_calls(calls: _Calls) -> None:
    program = [
        *(_step(_LOAD, _ARCHITECTURE), _step(_IF_EQUAL, calls.architecture, 1, 0), _step(_RETURN, _KILL)),
        *(_step(_LOAD, _CALL), _step(_IF_AT_LEAST, _X32, 0, 1), _step(_RETURN, _KILL)),
        *_fails(calls.clone3, errno.ENOSYS),  # its flags are out of sight; the C library then takes clone
        *(step for call in calls.others for step in _fails(call, errno.EPERM)),
        *(_step(_IF_EQUAL, calls.clone, 1, 0), _step(_RETURN, _ALLOW)),
        *(_step(_LOAD, _FIRST_ARGUMENT), _step(_IF_ANY, _THREAD, 0, 1), _step(_RETURN, _ALLOW)),
        _step(_RETURN, _FAIL | errno.EPERM),
    ]
    steps = ctypes.create_string_buffer(b"".join(program))
    packed = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(steps)))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or prctl(_PR_SET_SECCOMP, _MODE_FILTER, packed, 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")


def _fails(call: int, error: int) -> tuple[bytes, bytes]:
    return _step(_IF_EQUAL, call, 0, 1), _step(_RETURN, _FAIL | error)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)
