"""A real web server on loopback that says, byte for byte, what a test wrote for each path."""

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

IDLE_SECONDS_MAX = 5.0


def response(body: bytes = b"", status: int = 200, **headers: str) -> bytes:
    """A whole answer; headers by their names with underscores."""
    said = {"content_length": str(len(body)), "connection": "close", **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in said.items() if value]
    return (
        f"HTTP/1.1 {status} Said\r\n{chr(10).join(lines)}\r\n\r\n".replace("\n", "\r\n")
        .replace("\r\r\n", "\r\n")
        .encode("latin-1")
        + body
    )


class Host:
    """What it was asked, and what it says."""

    def __init__(self, said: Mapping[str, bytes | Sequence[bytes]]) -> None:
        self.said = dict(said)
        """By path with query. Several answers are given one after the other, the last again and again; a path that
        is not there is never answered."""
        self.asked: list[str] = []
        """The requests, head only."""
        self.port = 0
        self._closing = threading.Event()

    def url(self, path: str = "/file", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def serve(self, listening: socket.socket, context: ssl.SSLContext | None) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection, context), daemon=True).start()

    def close(self) -> None:
        self._closing.set()

    def _answer(self, connection: socket.socket, context: ssl.SSLContext | None) -> None:
        with suppress(OSError), connection:
            connection.settimeout(IDLE_SECONDS_MAX)
            spoken = connection if context is None else context.wrap_socket(connection, server_side=True)
            with spoken:
                head = b""
                while b"\r\n\r\n" not in head:
                    if not (more := spoken.recv(65_536)):
                        return
                    head += more
                path = head.split(b" ", 2)[1].decode()
                self.asked.append(head.decode("latin-1"))
                if path not in self.said:
                    self._closing.wait(IDLE_SECONDS_MAX)
                    return
                spoken.sendall(self._next(path))

    def _next(self, path: str) -> bytes:
        said = self.said[path]
        if isinstance(said, bytes):
            return said
        self.said[path] = said[1:] if len(said) > 1 else said
        return said[0]


@contextmanager
def a_host(said: Mapping[str, bytes | Sequence[bytes]], context: ssl.SSLContext | None = None) -> Iterator[Host]:
    """Serves until the context ends; with a TLS context, by https."""
    host = Host(said)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        host.port = listening.getsockname()[1]
        thread = threading.Thread(target=host.serve, args=(listening, context), daemon=True)
        thread.start()
        try:
            yield host
        finally:
            host.close()
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            thread.join(IDLE_SECONDS_MAX)


def tls_for(name: str, directory: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """For a server of that name, and for a client that believes it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = directory / f"{name}.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(private + certificate.public_bytes(pem))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(file)
    asking = ssl.create_default_context(cadata=certificate.public_bytes(pem).decode())
    return serving, asking
