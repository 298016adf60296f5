"""Reads a form with files as it arrives (RFC 7578): no file is ever whole in memory or on a disk.

Starlette's own reader would write each file to a temporary folder first, readable by who can read that folder.
"""

from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from shared.web.cross_site import check_form_token
from shared.web.forms import CSRF_FIELD, MOST_FIELDS
from shared.web.problems import standard_problem

MOST_TYPED = 1024 * 1024
"""Bytes of all that is typed in a form beside its files, and of what separates the parts."""


class Truncated(Exception):
    """The body ended before its form did."""


@dataclass(slots=True)
class Part:
    """One field of a form: read it before the next one, or what is left of it is passed over."""

    name: str
    file_name: str | None = field(repr=False)
    """None for a field that is no file."""
    _reader: "FormStream" = field(repr=False)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield what is in it.

        Raises:
            Truncated: the body ends within it.
            FormParserError: the form is malformed.
        """
        while (chunk := await self._reader.next_chunk(self)) is not None:
            yield chunk

    async def text(self) -> str:
        """Return the whole of a short field; what is not UTF-8 is replaced by U+FFFD.

        Raises:
            Problem: 413, more is typed than any form of ours takes.
            Truncated: the body ends within it.
        """
        read = bytearray()
        async for chunk in self.chunks():
            self._reader.typed += len(chunk)
            if self._reader.typed > MOST_TYPED:
                raise standard_problem(413, detail="There is too much text in the form.")
            read += chunk
        return read.decode(errors="replace")


class FormStream:
    """The fields of a posted form, one after another.

    The field of the form's token must come before the first file, as our pages write it. It is checked there, and not
    handed on.
    """

    def __init__(self, request: Request) -> None:
        """Take the request.

        Raises:
            Problem: 415, it is no form with files; 400, it has no boundary.
        """
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        if kind != b"multipart/form-data":
            raise standard_problem(415, detail="Send a form with files: multipart/form-data.")
        if not options.get(b"boundary"):
            raise standard_problem(400)
        self._request = request
        self._body = request.stream()
        self._found: deque[tuple[Part, bytes | None]] = deque()
        """What was parsed and not handed on: an empty chunk begins each part, and None ends it."""
        self._headers: dict[bytes, bytes] = {}
        self._header = (bytearray(), bytearray())
        self._part: Part | None = None
        self._token = ""
        self.typed = 0
        """Bytes of the fields that were read as text."""
        self._ended = False
        self._parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": self._headers.clear,
                "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
                "on_header_end": self._end_header,
                "on_headers_finished": self._begin_content,
                "on_part_data": lambda data, start, end: self._put(data[start:end]),
                "on_part_end": lambda: self._put(None),
                "on_end": self._end,
            },
        )

    async def parts(self) -> AsyncIterator[Part]:
        """Yield the fields in order.

        Raises:
            Problem: 403, the form is another site's; 413, it has too many fields.
            PageTooOld: its page was shown before the browser's cookie changed.
            Truncated: the body ends before the form.
            FormParserError: the form is malformed.
        """
        count, checked = 0, False
        while (part := await self._next_part()) is not None:
            count += 1
            if count > MOST_FIELDS:
                raise standard_problem(413, detail="The form has too many fields.")
            if part.name == CSRF_FIELD:
                self._token = await part.text()
                continue
            if part.file_name is not None and not checked:
                check_form_token(self._request, self._token)
                checked = True
            yield part
        if not checked:
            check_form_token(self._request, self._token)

    async def next_chunk(self, part: Part) -> bytes | None:
        """Return what comes next of `part`; None at its end."""
        if await self._more():
            of, chunk = self._found[0]
            if of is not part:
                return None
            self._found.popleft()
            return chunk
        raise Truncated

    async def _next_part(self) -> Part | None:
        while await self._more():
            part, chunk = self._found.popleft()
            if chunk == b"":
                return part
        return None

    async def _more(self) -> bool:
        """Parse until something was found; return False at the form's end.

        Raises:
            Truncated: the body ends before.
        """
        while not self._found and not self._ended:
            try:
                chunk = await anext(self._body, None)
            except ClientDisconnect:
                raise Truncated from None
            if chunk is None:
                raise Truncated
            self._parser.write(chunk)
        return bool(self._found)

    def _end_header(self) -> None:
        name, value = self._header
        self._headers[bytes(name).lower()] = bytes(value)
        self._header = (bytearray(), bytearray())

    def _begin_content(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        if b"name" not in options:
            message = "a part without a name"
            raise FormParserError(message)
        file_name = options.get(b"filename")
        text = file_name.decode(errors="replace") if file_name is not None else None
        self._part = Part(options[b"name"].decode(errors="replace"), text, self)
        self._put(b"")

    def _put(self, chunk: bytes | None) -> None:
        if self._part:
            self._found.append((self._part, chunk))

    def _end(self) -> None:
        self._ended = True


async def typed_beside_files(request: Request) -> Mapping[str, Sequence[str]]:
    """Return what was typed into a form, without its files, to show it again to a person who has to sign in first."""
    typed: dict[str, list[str]] = {}
    async for part in FormStream(request).parts():
        if part.file_name is None:
            typed.setdefault(part.name, []).append((await part.text()).replace("\r\n", "\n"))
    return typed
