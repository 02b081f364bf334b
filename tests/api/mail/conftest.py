"""What the tests of the mail doors share: a deployment of their own, which takes small mail only, and a Dovecot."""

from collections.abc import Iterator

import pytest

from domain.person import Role
from infrastructure.embedded.servers import Servers
from tests.api.deployment import Caller, Deployment, a_deployment
from tests.api.mail.dovecot import Dovecot, a_dovecot, is_installed
from tests.databases import an_empty_database

MAIL_BYTES_MAX = 65_536


@pytest.fixture(scope="module")
def mail_deployment(servers: Servers) -> Iterator[Deployment]:
    """Listens for LMTP, and reads mailboxes."""
    addresses = servers.addresses
    with (
        an_empty_database(addresses.database_url) as database_url,
        a_deployment(
            database_url, addresses.nats_url, mail_bytes_max=MAIL_BYTES_MAX, lmtp_listen="127.0.0.1:0"
        ) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def mail_administrator(mail_deployment: Deployment) -> Caller:
    return mail_deployment.person(Role.ADMINISTRATOR)


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    if not is_installed():
        pytest.skip("Dovecot 2.3 is not installed: apt-get install -y --no-install-recommends dovecot-imapd")
    with a_dovecot() as running:
        yield running
