"""A small real server that speaks as much of S3 as keeping objects takes: PUT, GET and HEAD; signatures unread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from typing_extensions import override

MISSING = b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>There is none.</Message></Error>'
FULL = b'<?xml version="1.0"?><Error><Code>QuotaExceeded</Code><Message>No room is left.</Message></Error>'


class Bucket:
    """What was put, by path, and who said they put it."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.authorizations: list[str] = []
        self.is_full = False
        self.url = ""


@contextmanager
def an_s3_server() -> Iterator[Bucket]:
    bucket = Bucket()

    class Speaking(BaseHTTPRequestHandler):
        """One request."""

        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            bucket.authorizations.append(self.headers.get("authorization", ""))
            if bucket.is_full:
                self._say(403, FULL)
                return
            bucket.objects[self.path] = body
            self._say(200, b"", body)

        def do_GET(self) -> None:
            kept = bucket.objects.get(self.path)
            if kept is None:
                self._say(404, MISSING)
            else:
                self._say(200, kept, kept)

        def do_HEAD(self) -> None:
            self.do_GET()

        def _say(self, status: int, body: bytes, kept: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.send_header("etag", f'"{md5(kept, usedforsecurity=False).hexdigest()}"')
            self.send_header("last-modified", formatdate(usegmt=True))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: object) -> None:
            """A test needs no access log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Speaking) as server:
        bucket.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield bucket
        finally:
            server.shutdown()
            thread.join()
