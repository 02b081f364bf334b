"""Days pass on the loop that production runs on."""

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop of production."""
    return "asyncio", {"use_uvloop": True}
