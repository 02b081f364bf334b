"""What the tests of faults share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.embedded import a_directory


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A data directory with spaces and letters beyond ASCII in its path; the tests below use it one after the other."""
    with a_directory() as directory:
        yield directory
