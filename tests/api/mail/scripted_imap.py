"""An IMAP server that misbehaves as the test says: just enough of the protocol to be read from."""

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from typing_extensions import override

_COMMAND = re.compile(rb"(\S+) (UID FETCH|[A-Z]+) ?(.*)\r\n")


@dataclass
class ScriptedMailbox:
    """What is in it, and how it fails."""

    mails: dict[int, bytes] = field(default_factory=dict)
    unreadable: set[int] = field(default_factory=set)
    """UIDs that the server lists but does not give."""
    drops_at: set[int] = field(default_factory=set)
    """UIDs at which it breaks the connection off, once each."""
    has_idle: bool = True
    connections: int = 0
    port: int = 0

    def settings(self) -> dict[str, str]:
        given = {"imap_host": "127.0.0.1", "imap_port": str(self.port), "imap_security": "none"}
        return given | {"imap_user": "help", "imap_password": "secret", "imap_poll_seconds": "1"}

    def fetched(self, tag: bytes, which: bytes, parts: bytes) -> bytes | None:
        """The answer to a FETCH; None: the connection breaks off."""
        if which.endswith(b":*"):
            least = int(which.removesuffix(b":*"))
            listed = [(uid, mail) for uid, mail in sorted(self.mails.items()) if uid >= least]
            listed = listed or sorted(self.mails.items())[-1:]  # the last one is always among them
            lines = [b"* 1 FETCH (UID %d RFC822.SIZE %d)\r\n" % (uid, len(mail)) for uid, mail in listed]
            return b"".join(lines) + tag + b" OK done\r\n"
        uid = int(which)
        if uid in self.drops_at:
            self.drops_at.discard(uid)
            return None
        if uid in self.unreadable and b"HEADER" not in parts:
            return tag + b" NO [SERVERBUG] internal error\r\n"
        if uid not in self.mails:
            return tag + b" OK done\r\n"
        mail = self.mails[uid].split(b"\r\n\r\n")[0] + b"\r\n\r\n" if b"HEADER" in parts else self.mails[uid]
        head = b"* 1 FETCH (UID %d BODY[] {%d}\r\n" % (uid, len(mail))
        return head + mail + b")\r\n" + tag + b" OK done\r\n"


@contextmanager
def serving(script: ScriptedMailbox) -> Iterator[ScriptedMailbox]:
    class Connection(socketserver.StreamRequestHandler):
        @override
        def handle(self) -> None:
            script.connections += 1
            self.wfile.write(b"* OK ready\r\n")
            while found := _COMMAND.fullmatch(self.rfile.readline()):
                if (answer := self.answer(*found.groups())) is None:
                    return
                self.wfile.write(answer)

        def answer(self, tag: bytes, command: bytes, rest: bytes) -> bytes | None:
            match command:
                case b"CAPABILITY":
                    idle = b" IDLE" if script.has_idle else b""
                    return b"* CAPABILITY IMAP4rev1%s\r\n%s OK done\r\n" % (idle, tag)
                case b"EXAMINE":
                    told = b"* %d EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n" % len(script.mails)
                    return told + tag + b" OK [READ-ONLY] done\r\n"
                case b"UID FETCH":
                    which, _, parts = rest.partition(b" ")
                    return script.fetched(tag, which, parts)
                case b"IDLE":
                    self.wfile.write(b"+ idling\r\n")
                    return tag + b" OK done\r\n" if self.rfile.readline() == b"DONE\r\n" else None
                case _:
                    return tag + b" OK done\r\n"

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connection) as server:
        server.daemon_threads = True
        script.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()
