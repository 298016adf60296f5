"""How headers are kept in a text column: JSON pairs, bytes as Latin-1, so that any byte survives."""

import orjson

from shared.messaging.log import Headers


def headers_to_text(headers: Headers) -> str:
    """Return `headers` as JSON text. Control characters, U+0000 among them, are escaped by JSON itself."""
    return orjson.dumps([(name, value.decode("latin-1")) for name, value in headers]).decode()


def headers_from_text(text: str) -> Headers:
    """Return the headers that `headers_to_text` kept."""
    return tuple((name, value.encode("latin-1")) for name, value in orjson.loads(text))
