"""The example page: served under a strict policy, and, where there is a browser, a whole talk through it."""

import base64
import hashlib
import re

import pytest

from tests.api.deployment import Caller, Deployment
from tests.api.situations import VISITOR_KEY, Shop, a_shop
from tests.api.sockets.browser import CHROMIUM, Page, a_page
from tests.api.sockets.visitors import answered

LINES = "[...document.querySelectorAll('#lines li')].map((one) => one.className + '|' + one.textContent)"


@pytest.fixture
def chat(deployment: Deployment, administrator: Caller) -> Shop:
    settings = {"visitor_key": VISITOR_KEY, "origins": f"http://127.0.0.1:{deployment.port}"}
    return a_shop(deployment, administrator, channel="webchat", settings=settings)


def write(page: Page, text: str, *, is_composing: bool = False) -> None:
    """Types the text and presses Enter; an input method that still composes says so."""
    event = f"{{key: 'Enter', bubbles: true, cancelable: true, isComposing: {str(is_composing).lower()}}}"
    page.value(
        f"element('text').value = {text!r};"
        "element('text').dispatchEvent(new Event('input', {bubbles: true}));"
        f"element('text').dispatchEvent(new KeyboardEvent('keydown', {event}))"
    )


def test_the_page_runs_its_own_script_alone_and_loads_nothing(deployment: Deployment, chat: Shop) -> None:
    answer = deployment.anybody().get(f"/v1/webchat/{chat.account_id}/example")
    unknown = deployment.anybody().get(f"/v1/webchat/account-{'0' * 32}/example")

    (script,) = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    policy = answer.headers["content-security-policy"]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert not re.search(r"(src|href)=|https?://", answer.text)
    assert unknown.status_code == 404


@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}")
def test_a_visitor_talks_through_the_page_and_a_dropped_socket_doubles_nothing(
    deployment: Deployment, chat: Shop
) -> None:
    agent = chat.agent()
    with a_page(f"http://127.0.0.1:{deployment.port}/v1/webchat/{chat.account_id}/example") as page:
        page.wait_for("typeof isWelcome !== 'undefined' && isWelcome")
        write(page, "ni", is_composing=True)
        assert page.value(LINES) == []
        write(page, "你好")
        page.wait_for("tab.unsent.length === 0")
        answered(chat, agent, "Good morning")
        page.wait_for("document.querySelectorAll('.theirs').length === 1")

        page.value("socket.close()")  # and said before it is open again: sent as soon as it is, once
        write(page, "Still there?")
        page.wait_for("isWelcome && tab.unsent.length === 0")
        page.value(
            "say({kind: 'message', id: 'again', text: 'Twice'}), say({kind: 'message', id: 'again', text: 'Twice'})"
        )
        page.value("element('email').value = 'ana@example.org'; element('email').dispatchEvent(new Event('change'))")
        page.value("location.reload()")
        page.wait_for(
            "typeof isWelcome !== 'undefined' && isWelcome && document.querySelectorAll('#lines li').length === 4"
        )
        lines = page.value(LINES)
        assert page.value("element('email').value") == "ana@example.org"

    assert lines.pop(1).endswith(": Good morning")
    assert lines == ["mine|你好", "mine|Still there?", "mine|Twice"]


@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}")
def test_a_visitor_sends_a_file_through_the_page_and_sees_it_again(deployment: Deployment, chat: Shop) -> None:
    with a_page(f"http://127.0.0.1:{deployment.port}/v1/webchat/{chat.account_id}/example") as page:
        page.wait_for("typeof isWelcome !== 'undefined' && isWelcome")
        page.value("chosen = new DataTransfer(); chosen.items.add(new File(['My bill'], 'bill.txt'))")
        page.value("element('files').files = chosen.files; submit()")
        page.wait_for("document.querySelectorAll('#lines .mine:not(.waiting)').length === 1")
        page.value("window.isOld = true, tab = {...tab, lines: {}, after: 0}, keep(), location.reload()")
        page.wait_for("!window.isOld && document.querySelectorAll('#lines .mine button').length === 1")
        lines = page.value(LINES)

    assert lines == ["mine|⬇ bill.txt"]
