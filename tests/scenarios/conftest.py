"""One deployment for all stories; each opens a shop of its own in it, which only its own agents serve."""

from collections.abc import Iterator

import pytest

from domain.person import Role
from infrastructure.embedded.servers import Servers
from tests.api.deployment import Caller, Deployment, a_deployment_of_its_own
from tests.waiting import wait_until


@pytest.fixture(scope="package")
def deployment(servers: Servers) -> Iterator[Deployment]:
    with a_deployment_of_its_own(servers) as running:
        followers = running.parts.followers.values()
        wait_until(lambda: all(one.position >= 0 for one in followers), what="every reader runs")
        yield running


@pytest.fixture(scope="package")
def administrator(deployment: Deployment) -> Caller:
    return deployment.person(Role.ADMINISTRATOR)


@pytest.fixture(scope="package")
def supervisor(deployment: Deployment) -> Caller:
    return deployment.person(Role.SUPERVISOR)
