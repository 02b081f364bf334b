"""A page in a headless Chromium, driven over the DevTools protocol."""

import itertools
import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

from tests.waiting import wait_until

CHROMIUM = Path("/usr/bin/chromium")
WAIT_SECONDS_MAX = 30.0
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # it opens nothing but our own page, and root may not have a sandbox
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--remote-debugging-port=0",
)


class Refused(Exception):
    """The page could not do it, as while it is being loaded."""


class Page:
    """One open page."""

    def __init__(self, devtools: ClientConnection) -> None:
        self._devtools = devtools
        self._ids = itertools.count(1)

    def call(self, method: str, **parameters: Any) -> Any:
        """The result of a DevTools command; events that come before it are passed over. Raises Refused."""
        number = next(self._ids)
        self._devtools.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._devtools.recv(WAIT_SECONDS_MAX))
            if answer.get("id") == number:
                if "error" in answer:
                    raise Refused(answer["error"])
                return answer["result"]

    def value(self, expression: str) -> Any:
        """What the expression comes to in the page. Raises Refused."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise Refused(found["exceptionDetails"])
        return found["result"].get("value")

    def wait_for(self, expression: str) -> None:
        """Until the expression is true in the page."""

        def is_so() -> bool:
            try:
                return bool(self.value(expression))
            except Refused:
                return False

        wait_until(is_so, what=expression, seconds_max=WAIT_SECONDS_MAX)


@contextmanager
def a_page(url: str) -> Iterator[Page]:
    """The page, opened in a browser of its own."""
    with tempfile.TemporaryDirectory(prefix="onethread-chromium-", ignore_cleanup_errors=True) as directory:
        command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={directory}", "about:blank"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as browser:
            try:
                with connect(_devtools_url(Path(directory)), max_size=None, compression=None) as devtools:
                    page = Page(devtools)
                    page.call("Page.enable")
                    page.call("Page.navigate", url=url)
                    yield page
            finally:
                browser.terminate()


def _devtools_url(directory: Path) -> str:
    port_file = directory / "DevToolsActivePort"
    wait_until(
        lambda: port_file.exists() and "\n" in port_file.read_text(),
        what="Chromium listens",
        seconds_max=WAIT_SECONDS_MAX,
    )
    port = port_file.read_text().split("\n", 1)[0]
    targets = httpx.get(f"http://127.0.0.1:{port}/json/list", timeout=WAIT_SECONDS_MAX).json()
    return next(str(one["webSocketDebuggerUrl"]) for one in targets if one["type"] == "page")
