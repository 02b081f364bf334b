"""One address enters web chats so many times a minute, as the setting says, and not once more."""

import pytest
from websockets.exceptions import ConnectionClosed

from domain.person import Role
from infrastructure.embedded.servers import Servers
from tests.api.deployment import a_deployment
from tests.api.situations import PAGE, VISITOR_KEY, a_shop
from tests.api.sockets.visitors import visitor
from tests.databases import an_empty_database


def test_who_enters_too_often_from_one_address_is_put_off(servers: Servers) -> None:
    addresses = servers.addresses
    with (
        an_empty_database(addresses.database_url) as database_url,
        a_deployment(database_url, addresses.nats_url, visitors_per_address=2) as deployment,
    ):
        settings = {"visitor_key": VISITOR_KEY, "origins": PAGE}
        chat = a_shop(deployment, deployment.person(Role.ADMINISTRATOR), channel="webchat", settings=settings)
        for _ in range(2):
            with visitor(chat) as (_, welcome):
                assert welcome["kind"] == "welcome"

        with pytest.raises(ConnectionClosed) as closed, visitor(chat):
            pass

    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason[:12]) == (4429, "try again in")
