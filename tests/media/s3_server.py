"""A small real server that speaks as much of S3 as we need: PUT, GET, HEAD and lists; signatures unread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

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

    def answer(self, path: str, wanted: str | None) -> tuple[int, bytes, bytes, str]:
        """Status, body, the whole object, and the range of it that was wanted."""
        if "list-type=2" in path:
            return 200, self._listed(path), b"", ""
        if (kept := self.objects.get(path)) is None:
            return 404, MISSING, b"", ""
        if wanted is None:
            return 200, kept, kept, ""
        first, last = map(int, wanted.removeprefix("bytes=").split("-"))
        body = kept[first : last + 1]
        return 206, body, kept, f"bytes {first}-{first + len(body) - 1}/{len(kept)}"

    def _listed(self, path: str) -> bytes:
        """What is below the prefix of the query, in one page."""
        asked = urlsplit(path)
        start = f"{asked.path.rstrip('/')}/"
        prefix = start + parse_qs(asked.query).get("prefix", [""])[0]
        contents = "".join(
            f"<Contents><Key>{name.removeprefix(start)}</Key><LastModified>2026-11-11T12:00:00.000Z</LastModified>"
            f"<Size>{len(kept)}</Size></Contents>"
            for name, kept in self.objects.items()
            if name.startswith(prefix)
        )
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>".encode()


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
            self._say(*bucket.answer(self.path, self.headers.get("range")))

        def do_HEAD(self) -> None:
            self.do_GET()

        def _say(self, status: int, body: bytes, kept: bytes = b"", content_range: str = "") -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.send_header("etag", f'"{md5(kept, usedforsecurity=False).hexdigest()}"')
            self.send_header("last-modified", formatdate(usegmt=True))
            if content_range:
                self.send_header("content-range", content_range)
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
