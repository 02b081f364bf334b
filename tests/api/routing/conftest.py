"""A deployment of its own for these tests: they change its routing policy, and wind the time of leases on."""

from collections.abc import Iterator

import pytest

from domain.person import Role
from infrastructure.embedded.servers import Servers
from tests.api.deployment import Caller, Deployment, a_deployment_of_its_own
from tests.api.situations import Shop, a_shop


@pytest.fixture(scope="package")
def deployment(servers: Servers) -> Iterator[Deployment]:
    """The server, on a database of its own."""
    with a_deployment_of_its_own(servers) as running:
        yield running


@pytest.fixture(scope="package")
def administrator(deployment: Deployment) -> Caller:
    return deployment.person(Role.ADMINISTRATOR)


@pytest.fixture(scope="package")
def supervisor(deployment: Deployment) -> Caller:
    return deployment.person(Role.SUPERVISOR)


@pytest.fixture(scope="package")
def auditor(deployment: Deployment) -> Caller:
    """Of this deployment: what is not said here anew is that of the folder above."""
    return deployment.person(Role.AUDITOR)


@pytest.fixture
def shop(deployment: Deployment, administrator: Caller) -> Shop:
    return a_shop(deployment, administrator)
