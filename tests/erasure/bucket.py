"""A bucket on this machine that takes what is PUT and drops what is DELETEd, and asks nobody for a key."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit


@dataclass
class Bucket:
    """What lies in it, and how it answers.

    Attributes
    ----------
    asked
        Method, key and Authorization header of each request.
    answers
        Statuses instead of the usual one, the next first.
    """

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)


@contextmanager
def serving() -> Iterator[Bucket]:
    """Serve a bucket until the block ends."""
    bucket = Bucket()

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = self._noted(200)
            if status == 200:
                bucket.objects[self._key] = body
            self._answer(status)

        def do_DELETE(self) -> None:
            status = self._noted(204)
            if status == 204:
                bucket.objects.pop(self._key, None)
            self._answer(status)

        @property
        def _key(self) -> str:
            return unquote(urlsplit(self.path).path.removeprefix("/"))

        def _noted(self, usual: int) -> int:
            bucket.asked.append((self.command, self._key, self.headers.get("Authorization", "")))
            return bucket.answers.pop(0) if bucket.answers else usual

        def _answer(self, status: int) -> None:
            """Say so at the very end: whoever hears it finds it done."""
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    bucket.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()
