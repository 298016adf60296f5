"""A server that behaves as GOV.UK Notify's API documentation says, on a port that the operating system chooses."""

import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from services.notifier.delivery.notify import NotifyChannel, NotifyService

SERVICE_ID, SECRET = "3d844edf-8d35-48ac-975b-e847b4f122b0", "8b3aa916-ec82-434e-b0c5-d5d9b371d6a3"


@dataclass
class NotifyForTests:
    """The messages that were taken, and the responses to give instead of taking the next ones."""

    taken: list[dict[str, object]] = field(default_factory=list)
    refusals: list[tuple[int, str, str]] = field(default_factory=list)
    """Status, error class and message, used one by one."""
    cuts_after_taking: int = 0
    """The number of responses that are cut after the message was taken."""
    port: int = 0

    key = f"tests-{SERVICE_ID}-{SECRET}"
    """The API key."""

    def channel(self, timeout: timedelta = timedelta(seconds=5)) -> NotifyChannel:
        return NotifyChannel(NotifyService(self.key, "template", f"http://127.0.0.1:{self.port}", timeout))

    def take(self, message: dict[str, object]) -> dict[str, object]:
        kept = {"id": str(uuid4()), "status": "sending", **message}
        self.taken.append(kept)
        return kept


@asynccontextmanager
async def running_notify() -> AsyncIterator[NotifyForTests]:
    notify = NotifyForTests()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(notify))
    notify.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield notify
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler_of(notify: NotifyForTests) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if notify.refusals:
                status, error, said = notify.refusals.pop(0)
                self._answer(status, {"status_code": status, "errors": [{"error": error, "message": said}]})
                return
            kept = notify.take(message)
            if notify.cuts_after_taking:
                notify.cuts_after_taking -= 1
                self.close_connection = True
                self.connection.close()
                return
            self._answer(201, {"id": kept["id"], "reference": message.get("reference"), "content": {}})

        def do_GET(self) -> None:
            [reference] = parse_qs(urlsplit(self.path).query)["reference"]
            found = [kept for kept in notify.taken if kept.get("reference") == reference]
            self._answer(200, {"notifications": found, "links": {}})

        def _answer(self, status: int, body: object) -> None:
            raw = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            """Write no log."""

    return Handler
