"""A Dovecot of our own on loopback: any user is let in with one password, and mail lies in a directory."""

import getpass
import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from imap_tools import MailBoxUnencrypted

from tests.certificates import make_certificate
from tests.waiting import wait_until

PROGRAM = shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin:/usr/bin:/opt/homebrew/sbin")
PASSWORD = "secret"
CONFIGURATION = """
protocols = imap
listen = 127.0.0.1
base_dir = {home}/run
state_dir = {home}/run
log_path = {home}/log
ssl = yes
ssl_cert = <{home}/tls.pem
ssl_key = <{home}/tls.pem
disable_plaintext_auth = no
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
first_valid_uid = 1
mail_location = maildir:{home}/mail/%u
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


@dataclass
class Dovecot:
    """The running server."""

    home: Path
    port: int
    tls_port: int

    @property
    def certificate(self) -> Path:
        return self.home / "tls.pem"

    def settings(self, user: str, **more: str) -> dict[str, str]:
        """Of an account that reads the user's mailbox."""
        given = {"imap_host": "127.0.0.1", "imap_port": str(self.port), "imap_security": "none"}
        return given | {"imap_user": user, "imap_password": PASSWORD, "imap_poll_seconds": "60"} | more

    @contextmanager
    def opened(self, user: str) -> Iterator[MailBoxUnencrypted]:
        """The mailbox, as a person opens it."""
        with MailBoxUnencrypted("127.0.0.1", self.port, timeout=30).login(user, PASSWORD) as mailbox:
            yield mailbox

    def deliver(self, user: str, *mails: bytes, folder: str = "INBOX") -> None:
        with self.opened(user) as mailbox:
            if folder != "INBOX" and not mailbox.folder.exists(folder):
                mailbox.folder.create(folder)
            for mail in mails:
                mailbox.append(mail, folder)

    def number_anew(self, user: str) -> None:
        """As after a restore: the same mail under other UIDs, and another UIDVALIDITY."""
        folder = self.home / "mail" / user
        for one in folder.glob("dovecot*"):
            one.unlink()


@contextmanager
def a_dovecot() -> Iterator[Dovecot]:
    assert PROGRAM is not None
    home = Path(tempfile.mkdtemp(prefix="onethread-imap-"))
    port, tls_port = free_ports()
    make_certificate(home / "tls.pem")
    (home / "mail").mkdir()
    is_root = os.geteuid() == 0
    owner = pwd.getpwnam("dovecot" if is_root else getpass.getuser())  # as root it wants others for its mail
    internal_group = grp.getgrgid(owner.pw_gid).gr_name
    if is_root:
        home.chmod(0o755)
        os.chown(home / "mail", owner.pw_uid, owner.pw_gid)
    text = CONFIGURATION.format(
        home=home,
        internal=owner.pw_name,
        internal_group=internal_group,
        login="dovenull" if is_root else owner.pw_name,
        password=PASSWORD,
        uid=owner.pw_uid,
        gid=owner.pw_gid,
        port=port,
        tls_port=tls_port,
    )
    (home / "dovecot.conf").write_text(text)
    server = subprocess.Popen([PROGRAM, "-F", "-c", str(home / "dovecot.conf")])
    try:
        wait_until(lambda: answers(port), what=f"Dovecot answers; its log is {home / 'log'}")
        yield Dovecot(home, port, tls_port)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
        shutil.rmtree(home, ignore_errors=True)


def free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def is_installed() -> bool:
    """In the version whose configuration this is; 2.4 has another."""
    if PROGRAM is None:
        return False
    return subprocess.run([PROGRAM, "--version"], capture_output=True, check=False).stdout.startswith(b"2.3.")


def answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        return connection.recv(4) == b"* OK"
    return False
