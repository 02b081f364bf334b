"""One deployment for all tests of the interface: each makes its own people, queues and customers in it."""

from collections.abc import Iterator

import pytest

from domain.person import Role
from infrastructure.embedded.servers import Servers
from tests.api.deployment import Caller, Deployment, a_deployment_of_its_own


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
    return deployment.person(Role.AUDITOR)
