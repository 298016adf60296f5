"""The child process that opens what a stranger made: it cleans or draws one file, and can do nothing else.

It is given the file as its standard input and writes to its standard output, both unlinked files. Before it reads the
first byte it gives up what it does not need. Of the system it may use memory, threads, clocks and what is open, and no
more of memory, time and space than it is told. Nothing that it read gets out but its output and one number.
"""

import ctypes
import errno
import importlib
import os
import platform
import re
import resource
import struct
import sys
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import BinaryIO, NamedTuple, NoReturn, Protocol


class Ending(IntEnum):
    """How the child ends: its exit status."""

    DONE = 0
    DAMAGED = 80
    TOO_LARGE = 81
    """It needs more memory than a file may."""
    TOO_LONG = 82
    """It has more pages than a document may."""
    LOCKED = 83
    """It asks for a password."""
    NOTES = 84
    """It may say who made it in a way that cannot be taken out."""
    TOO_COSTLY = 85
    """It needs more time or space than a file may."""
    NO_ROOM = 86
    """The disk of temporary files is full, which is not the file's fault."""


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
    people: bool = True
    """Who sent an email and who received it is shown."""


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
    number = error.errno if isinstance(error, OSError) else None
    if number in _DISK_IS_FULL:
        return Ending.NO_ROOM
    if number == errno.EFBIG:
        return Ending.TOO_COSTLY
    short = isinstance(error, MemoryError) or number in _SHORT_OF_MEMORY or _SAYS_MEMORY.search(str(error))
    return Ending.TOO_LARGE if short else Ending.DAMAGED


_SHORT_OF_MEMORY = frozenset({errno.ENOMEM, errno.EAGAIN})
"""The second comes from a thread that gets no stack: nothing else can be waited for here."""
_SAYS_MEMORY = re.compile(r"\bmemory\b|\bencoding error 1\b", re.IGNORECASE)
"""What libraries say that have errors of their own for it; the last is WebP's."""
_DISK_IS_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def library_for(kind: str) -> Library:
    """Return the module for a kind of file: only that one is loaded, which halves the time of a start."""
    return importlib.import_module(f"services.intake.media.{_LIBRARIES[kind]}")


_LIBRARIES = {"picture": "pictures", "PDF": "pdfs", "email": "emails", "audio": "recordings", "video": "recordings"}


def main(work: str, kind: str, media_type: str, *asked: str) -> None:
    """Do one job, within limits: `asked` is the look, then the limits."""
    look, limits = asked[: len(Look._fields)], asked[len(Look._fields) :]
    given = Limits(*(int(limit) for limit in limits))
    limit_size(given)
    library = library_for(kind)
    limit_reach(given)
    source, output = open(0, "rb", closefd=False), open(1, "w+b", closefd=False)  # noqa: SIM115  # they end as it does
    source.seek(0)
    job = Job(source, output, media_type, Look(*(word == "yes" for word in look)))
    (library.clean if work == "clean" else library.preview)(job)
    output.flush()


def limit_size(limits: Limits) -> None:
    """Limit memory, processor time and output. A core dump would keep what was read, so there is none."""
    _set(resource.RLIMIT_AS, limits.memory)
    _set(resource.RLIMIT_CPU, limits.processor)
    _set(resource.RLIMIT_FSIZE, limits.output)
    _set(resource.RLIMIT_CORE, 0)


def limit_reach(limits: Limits) -> None:
    """Limit open files, and allow no call that reaches beyond memory and what is open: everything is loaded by now."""
    _set(resource.RLIMIT_NOFILE, limits.files)
    if machine := _MACHINES.get(platform.machine()):
        _allow_calls(*machine)
    else:
        _set(resource.RLIMIT_NPROC, 0)


def _set(what: int, most: int) -> None:
    resource.setrlimit(what, (most, most))


# seccomp(2): RLIMIT_NPROC counts threads, which libraries need, and does not hold for root; nothing limits sockets ---

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_LOAD, _IF_EQUAL, _IF_ANY, _RETURN = 0x20, 0x15, 0x45, 0x06
_CALL, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _FAIL, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_THREAD = 0x00010000
"""The flag of clone(2) with which it makes a thread."""

_ALLOWED: Mapping[str, tuple[int | None, int | None]] = {
    # what is open: read and write it, and ask what it is
    "read": (0, 63),
    "readv": (19, 65),
    "pread64": (17, 67),
    "write": (1, 64),
    "writev": (20, 66),
    "pwrite64": (18, 68),
    "lseek": (8, 62),
    "close": (3, 57),
    "fstat": (5, 80),
    "newfstatat": (262, 79),  # fstat(3) is this; it can look at what a path names, and at nothing in it
    # memory
    "brk": (12, 214),
    "mmap": (9, 222),
    "mremap": (25, 216),
    "munmap": (11, 215),
    "mprotect": (10, 226),
    "madvise": (28, 233),
    # threads, their signals and their end
    "futex": (202, 98),
    "gettid": (186, 178),
    "getpid": (39, 172),
    "set_robust_list": (273, 99),
    "rseq": (334, 293),
    "membarrier": (324, 283),
    "sched_getaffinity": (204, 123),
    "sched_yield": (24, 124),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    "exit": (60, 93),
    "exit_group": (231, 94),
    # time, and facts about the machine
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "getrandom": (318, 278),
    "getrusage": (98, 165),
    "sysinfo": (99, 179),
    "uname": (63, 160),
}
"""The calls that decoders make, with their numbers on x86-64 and ARM64: as strace shows them, and as the C library of
another system or a processor without a clock in user space makes them instead. All others fail with EPERM."""


class _Calls(NamedTuple):
    """A machine's numbers."""

    architecture: int
    allowed: Sequence[int]
    clone: int
    clone3: int
    tgkill: int


def _numbers(column: int) -> Sequence[int]:
    return [number for numbers in _ALLOWED.values() if (number := numbers[column]) is not None]


_MACHINES = {
    "x86_64": _Calls(0xC000003E, _numbers(0), 56, 435, 234),
    "aarch64": _Calls(0xC00000B7, _numbers(1), 220, 435, 131),
}


def _allow_calls(architecture: int, allowed: Sequence[int], clone: int, clone3: int, tgkill: int) -> None:
    program = [
        *(_step(_LOAD, _ARCHITECTURE), _step(_IF_EQUAL, architecture, 1, 0), _step(_RETURN, _KILL)),
        _step(_LOAD, _CALL),
        *(step for call in allowed for step in _answer(call, _ALLOW)),
        *_answer(clone3, _FAIL | errno.ENOSYS),  # its flags are out of sight; the C library then takes clone
        *_allow_if(clone, _IF_ANY, _THREAD),
        *_allow_if(tgkill, _IF_EQUAL, os.getpid()),  # a signal to itself: abort(3) is one
        _step(_RETURN, _FAIL | errno.EPERM),
    ]
    steps = ctypes.create_string_buffer(b"".join(program))
    packed = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(steps)))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or prctl(_PR_SET_SECCOMP, _MODE_FILTER, packed, 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")


def _answer(call: int, answer: int) -> Sequence[bytes]:
    return _step(_IF_EQUAL, call, 0, 1), _step(_RETURN, answer)


def _allow_if(call: int, condition: int, value: int) -> Sequence[bytes]:
    """Return the steps that allow a call whose first argument meets a condition."""
    tested = _step(condition, value, 0, 1), _step(_RETURN, _ALLOW), _step(_RETURN, _FAIL | errno.EPERM)
    return _step(_IF_EQUAL, call, 0, 4), _step(_LOAD, _FIRST_ARGUMENT), *tested


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)
