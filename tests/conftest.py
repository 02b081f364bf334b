"""What every test may ask for: the real servers, a database of its own on them, and a line in the report of the run."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from infrastructure.embedded.servers import Servers, embedded_servers
from tests.certificates import make_certificate
from tests.databases import an_empty_database

settings.register_profile("calm", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("calm")  # a busy machine is no finding, and every run tries the same

TOLD = "told"
SPARE_PROCESSES = 1
"""More processes than processors, because a test of real servers often waits."""
PROCESSES_MAX = 6
"""Each has servers of its own, and takes about a gigabyte with them."""


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """PostgreSQL and NATS, started for this session; where tests run side by side, for each of their processes."""
    directory = Path(tempfile.mkdtemp(prefix="onethread-test-"))
    directory.chmod(0o711)  # under root, PostgreSQL runs as somebody else, who must get to its data
    try:
        with embedded_servers(directory) as running:
            yield running
    finally:
        shutil.rmtree(directory)


@pytest.fixture(scope="session", autouse=True)
def _one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Clients believe one authority, which signs nothing: to read all that there are takes each client 25 ms."""
    authority = tmp_path_factory.mktemp("authority") / "certificate.pem"
    make_certificate(authority)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(authority))
        yield


@pytest.fixture(scope="module")
def database_url(servers: Servers) -> Iterator[str]:
    """An empty database for this module."""
    with an_empty_database(servers.addresses.database_url) as url:
        yield url


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Says one line at the end of the run: how many samples were run belongs into every report."""

    def say(line: str) -> None:
        record_property(TOLD, line)

    return say


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """`Attacks disarmed: 74 of 74`, a line for each that was told, in whichever process."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    lines = [line for report in reports for name, line in report.user_properties if name == TOLD]
    if lines:
        terminalreporter.section("counted")
    for line in sorted(lines):
        terminalreporter.write_line(line)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """How many processes `--numprocesses auto` means."""
    return min((os.cpu_count() or 1) + SPARE_PROCESSES, PROCESSES_MAX)
