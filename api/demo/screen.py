"""The screen: the scene as a terminal shows it, drawn anew a few times a second."""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any

from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from api.demo.opening import Shop
from api.demo.scene import Scene
from api.demo.shop import FEATURED, QUEUES

CHANNEL_STYLES = {
    "whatsapp": "green",
    "email": "cyan",
    "webchat": "magenta",
    "messenger": "bright_blue",
    "instagram": "bright_magenta",
    "telegram": "bright_cyan",
    "line": "bright_green",
    "wechat": "green3",
    "wecom": "spring_green3",
    "x": "bright_white",
    "sms": "bright_yellow",
    "adapter": "yellow",
    "phone": "blue",
}
ENTRY_LINES_MAX = 24
SIGNS = {"message received": "←", "reply written": "→", "promise told": "⇒", "note written": "✎"}
"""What is mostly in a timeline, in a column."""
SAID = ("conversation.message_received", "conversation.reply_written", "conversation.promise_told")
SAID_TOLD, PICTURES_TOLD = 8, 2
"""Of one thread, at the end: the newest of what was said, and the newest that carried files each way."""


class Screen:
    """Draws the scene."""

    def __init__(self, scene: Scene, shop: Shop) -> None:
        self._scene = scene
        self._queue_names = {shop.queues[short]: name for short, name in QUEUES.items()}
        self._agent_names: dict[str, str] = {}

    def draw(self) -> Layout:
        """The whole screen."""
        self._agent_names = {key: row["agent"]["name"] for key, row in self._scene.agents.items()}
        layout = Layout()
        layout.split_column(Layout(self._headline(), size=3), Layout(name="rest"))
        layout["rest"].split_row(Layout(name="left"), Layout(name="right"))
        layout["left"].split_column(
            Layout(Panel(self._inflow(), title="in, by channel"), size=10),
            Layout(Panel(self._queues(), title="queue board"), size=7),
            Layout(Panel(self._decisions(), title="who got what, and why")),
        )
        layout["right"].split_column(
            Layout(Panel(self._agents(), title="agent board")),
            Layout(Panel(self._timeline(), title=f"one thread: {FEATURED.name}, whatever the channel")),
        )
        return layout

    def line(self) -> str:
        """The gist, for where there is no terminal."""
        scene = self._scene
        taken_in = ", ".join(f"{channel} {number}" for channel, number in sorted(scene.taken_in.items()))
        waiting = len(scene.queues)
        return (
            f"{scene.per_second():6.1f} messages/s  push {self._push()}  {waiting} waiting  "
            f"{scene.replies} replies  {scene.closed} closed  in: {taken_in or '-'}"
        )

    def _push(self) -> str:
        p50, p95 = self._scene.latency_ms(0.5), self._scene.latency_ms(0.95)
        return f"{p50:.0f} ms p50, {p95:.0f} ms p95" if p50 is not None and p95 is not None else "-"

    def _headline(self) -> RenderableType:
        scene, push = self._scene, self._push()
        text = Text.assemble(
            (f" {scene.per_second():6.1f} messages/s ", "bold"),
            f"  push {push}  ",
            f"  log at {scene.position:,}  ",
            f"  {time.monotonic() - scene.began:5.0f} s  ",
            ("  Ctrl-C ends it", "dim"),
        )
        return Panel(text, title="Onethread")

    def _inflow(self) -> RenderableType:
        table = Table("channel", "in", "channel", "in", box=None, expand=True)
        cells = [
            (Text(channel, style=style), f"{self._scene.taken_in[channel]:,}")
            for channel, style in CHANNEL_STYLES.items()
        ]
        half = (len(cells) + 1) // 2
        for left, right in zip_longest(cells[:half], cells[half:], fillvalue=("", "")):
            table.add_row(*left, *right)
        return table

    def _queues(self) -> RenderableType:
        waiting = list(self._scene.queues.values())
        table = Table("queue", "waiting", "offered", "oldest", "overdue", box=None, expand=True)
        now = datetime.now(UTC)
        for queue_id, name in self._queue_names.items():
            mine = [row for row in waiting if row["queue_id"] == queue_id]
            ages = [(now - datetime.fromisoformat(row["waiting_since"])).total_seconds() for row in mine]
            overdue = sum(datetime.fromisoformat(row["due_at"]) < now for row in mine if row.get("due_at"))
            offered = sum(bool(row.get("offered_to")) for row in mine)
            oldest = f"{max(ages):.0f} s" if ages else "-"
            table.add_row(name, str(len(mine)), str(offered), oldest, str(overdue))
        return table

    def _decisions(self) -> RenderableType:
        lines = []
        for event in list(self._scene.decisions)[: -ENTRY_LINES_MAX - 1 : -1]:
            choice = event["event"].get("choice") or {}
            winner = self._agent_names.get(event["event"]["agent_id"], "somebody")
            queue = self._queue_names.get(event["event"]["queue_id"], "")
            rule = choice.get("preference") or choice.get("rule", "by hand")
            why = f"{rule.replace('_', ' ')} of {choice.get('eligible', 1)}"
            why += ", asking less by now" if choice.get("step") else ""
            runner_up = self._agent_names.get(choice.get("runner_up", ""))
            text = Text.assemble((winner, "bold"), f" ← {queue}, score {choice.get('score', 0):.0f}: {why}")
            if runner_up:
                text.append(f", before {runner_up}", "dim")
            lines.append(text)
        return Group(*lines)

    def _agents(self) -> RenderableType:
        table = Table("agent", "presence", "load", "holds", box=None, expand=True)
        for row in sorted(self._scene.agents.values(), key=lambda row: str(row["agent"]["name"])):
            agent = row["agent"]
            style = {"available": "green", "away": "yellow"}.get(agent.get("presence", ""), "dim")
            load, capacity = row.get("load", 0), agent.get("capacity", 0)
            bar = "■" * load + "□" * max(0, capacity - load)
            name = Text(agent["name"], no_wrap=True, overflow="ellipsis")
            table.add_row(name, Text(agent.get("presence", "offline"), style=style), bar, _held(agent))
        return table

    def _timeline(self) -> RenderableType:
        return entries(list(self._scene.timeline)[: -ENTRY_LINES_MAX - 1 : -1])


def entries(rows: Sequence[dict[str, Any]]) -> RenderableType:
    """Lines of a timeline, as they stand."""
    return Group(*map(_entry, rows))


def gist(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of what was said the newest, and the newest that carried files either way, in the order of time."""
    said = [row for row in rows if row["kind"] in SAID]
    told = {row["position"]: row for row in said[-SAID_TOLD:]}
    for kind in SAID:
        carried = [one for one in said if one["kind"] == kind and _files(one)]
        told |= {row["position"]: row for row in carried[-PICTURES_TOLD:]}
    return sorted(told.values(), key=lambda row: str(row["occurred_at"]))


def _files(row: dict[str, Any]) -> list[dict[str, Any]]:
    """What the entry carries, whoever sent it."""
    carried: list[dict[str, Any]] = row["event"].get("content", row["event"]).get("attachments", [])
    return carried


def _held(agent: dict[str, Any]) -> str:
    units = Counter(work[1] if isinstance(work, list) else work["units"] for work in agent.get("work", {}).values())
    return ", ".join(f"{number}×{size}" for size, number in sorted(units.items()))


def _entry(row: dict[str, Any]) -> Text:
    """One line of the timeline: when, what, what became of it, and the beginning of what was said."""
    event = row["event"]
    at = datetime.fromisoformat(row["occurred_at"]).astimezone()
    channel = event.get("channel", "")
    said = event.get("content", {}).get("text") or event.get("text") or event.get("note") or event.get("subject") or ""
    kind = row["kind"].partition(".")[2].replace("_", " ")
    style = CHANNEL_STYLES.get(channel, "white" if said else "dim")
    said = " ".join((said, *(f"[{one.get('name') or one.get('content_type', 'file')}]" for one in _files(row))))
    told = " ".join((SIGNS.get(kind, kind), *_told(row)))
    return Text(f"{at:%H:%M:%S} {channel:9} {told} {said}", style=style, no_wrap=True, overflow="ellipsis")


def _told(row: dict[str, Any]) -> list[str]:
    """What was told about the entry later: `["edited", "👍"]`, `["unsent"]`, `["read"]`."""
    marks = [name for name, field in (("edited", "edited_at"), ("unsent", "unsent_at")) if row.get(field)]
    marks += [reaction["emoji"] for reaction in row.get("reactions", [])]
    return marks + ([row["delivery"]["status"]] if row.get("delivery") else [])
