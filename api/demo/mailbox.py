"""The customers' mail server: takes the replies that the shop sends, over real SMTP, and counts them."""

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from api.demo.scene import Scene


class Mailbox:
    """Takes every mail."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # its name there
        """Counts the mail."""
        del server, session, envelope
        self._scene.mails_out += 1
        return "250 2.0.0 taken"


def mailbox(scene: Scene) -> Controller:
    """An SMTP server on a free port of this machine; `start` and `stop` it. Its port is `server.sockets[0]`'s."""
    return Controller(Mailbox(scene), hostname="127.0.0.1", port=0)
