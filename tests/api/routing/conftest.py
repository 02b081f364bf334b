"""A deployment of its own for these tests: they change its routing policy, and wind the time of leases on."""

import pytest

from tests.api.conftest import administrator, auditor, deployment, supervisor
from tests.api.deployment import Caller, Deployment
from tests.api.situations import Shop, a_shop

__all__ = ["administrator", "auditor", "deployment", "shop", "supervisor"]  # fixtures, made anew for this folder


@pytest.fixture
def shop(deployment: Deployment, administrator: Caller) -> Shop:
    return a_shop(deployment, administrator)
