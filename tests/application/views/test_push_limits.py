"""Push to many: the same bytes for all, slow readers cut off, watches that end or show only some rows, limits."""

import msgspec
import pytest

from application.projections.agent_board import TEAM
from application.projections.conversations import ALL
from application.push import Hub, HubLimits, TooManyViewers, TooManyWatches
from application.views import ViewReaders
from application.watching.frames import Header
from application.watching.viewer import TooSlow, Viewer, ViewerLimits
from tests.application.views.histories import ACCOUNTS, QUEUES
from tests.application.views.screens import Followed, Screen

pytestmark = pytest.mark.anyio


async def test_everybody_gets_the_same_bytes(followed: Followed, hub: Hub) -> None:
    viewers = [hub.connect() for _ in range(3)]
    for viewer in viewers:
        await hub.watch(viewer, "conversations", ALL)
        await viewer.next()

    await followed.town.message()
    head = await followed.catch_up()
    frames = [await newest(viewer, head) for viewer in viewers]

    assert frames[0] is frames[1] is frames[2]


async def newest(viewer: Viewer, position: int) -> bytes:
    """The frame of that position; there may be others before it, as the view may have moved between two watches."""
    while True:
        frame = await viewer.next()
        if msgspec.json.decode(frame)["position"] == position:
            return frame


async def test_who_reads_too_slowly_is_cut_off_and_the_others_are_not(followed: Followed, readers: ViewReaders) -> None:
    hub = Hub(readers, HubLimits(viewer=ViewerLimits(backlog_frames_max=5)))
    slow, screen = hub.connect(), Screen(hub)
    await hub.watch(slow, "conversations", ALL)
    await screen.watch("conversations", ALL)
    screen.viewer._limits = ViewerLimits()

    head = await followed.live(30)
    hub.nudge()
    await slow.is_over.wait()

    with pytest.raises(TooSlow):
        await slow.next()
    hub.tick()
    await screen.reached("conversations", ALL, head - 1)
    assert (hub.viewers, hub.watches) == (1, 1)
    await hub.close()


async def test_frames_that_wait_too_long_cut_the_viewer_off(followed: Followed, readers: ViewReaders) -> None:
    hub = Hub(readers, HubLimits(viewer=ViewerLimits(backlog_age_seconds_max=0)))
    viewer = hub.connect()
    await hub.watch(viewer, "conversations", ALL)
    await readers.position("conversations")  # takes a moment, while the viewer reads nothing

    assert hub.oldest_unsent_seconds() > 0
    hub.tick()

    with pytest.raises(TooSlow):
        await viewer.next()


async def test_what_is_no_longer_watched_no_longer_comes(followed: Followed, hub: Hub) -> None:
    screen = Screen(hub)
    await screen.watch("conversations", ALL)
    await screen.watch("agent_board", TEAM)
    await screen.reached("conversations", ALL, 0)

    hub.unwatch(screen.viewer, "conversations", ALL, "transferred")
    stood_at = screen.position[f"conversations:{ALL}"]
    head = await followed.live(20)
    await screen.reached("agent_board", TEAM, head)

    assert screen.unwatched == {f"conversations:{ALL}": "transferred"}
    assert screen.position[f"conversations:{ALL}"] == stood_at


async def test_a_change_of_permission_ends_the_watches_it_concerns(followed: Followed, hub: Hub) -> None:
    demoted, supervisor = Screen(hub, "demoted"), Screen(hub, "supervisor")
    for screen in (demoted, supervisor):
        await screen.watch("agent_board", TEAM)
        await screen.watch("queue_board", QUEUES[0])

    def may_watch(viewer: Viewer, view: str, scope: str) -> bool:
        return viewer.who == "supervisor" or view == "queue_board"

    hub.recheck(may_watch, "your role has changed")

    await demoted.told("unwatched")
    assert demoted.unwatched == {f"agent_board:{TEAM}": "your role has changed"}
    assert hub.watches == 3
    assert not supervisor.unwatched


async def test_a_watch_may_show_only_some_rows(followed: Followed, hub: Hub) -> None:
    town = followed.town
    who = await town.message(channel="webchat")
    await town.message(who, "by mail", channel="email")
    await followed.catch_up()
    (chat,) = [one.id for one in town.states[who][0].conversations.values() if one.channel == "webchat"]
    spoken = {"conversation.message_received", "conversation.reply_written"}

    def is_shown(header: Header) -> bool:
        about = header.event
        return header.kind in spoken and (about.conversation_id, about.account_id) == (chat, ACCOUNTS["webchat"])

    visitor = Screen(hub)
    await visitor.watch("timeline", who, is_shown=is_shown)
    await town.message(who, "by mail again", channel="email")
    await town.message(who, "by chat again", channel="webchat")
    seen = await visitor.reached("timeline", who, await followed.catch_up())

    assert [row["event"]["content"]["text"] for row in seen.values()] == ["Hello?", "by chat again"]


async def test_there_are_limits_to_viewers_and_watches(followed: Followed, readers: ViewReaders) -> None:
    hub = Hub(readers, HubLimits(viewers_max=1, viewer=ViewerLimits(watches_max=2)))
    viewer = hub.connect()
    with pytest.raises(TooManyViewers):
        hub.connect()

    await hub.watch(viewer, "conversations", ALL)
    await hub.watch(viewer, "conversations", ALL)
    await hub.watch(viewer, "agent_board", TEAM)
    with pytest.raises(TooManyWatches):
        await hub.watch(viewer, "queue_board", QUEUES[0])

    hub.disconnect(viewer)
    hub.disconnect(viewer)
    assert (hub.viewers, hub.watches) == (0, 0)
    assert hub.connect() is not viewer
    await hub.close()
