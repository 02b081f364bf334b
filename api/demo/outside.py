"""The outside world that replies go to: the customers' mail server, and the send APIs of all providers, on loopback."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiosmtpd.smtp import SMTP, Envelope, Session

from api.demo.scene import Handed, Scene

LISTENS_ON = "127.0.0.1"


class Outside(msgspec.Struct, frozen=True):
    """Where the shop sends to."""

    smtp_port: int
    api_url: str
    """Of all providers; the channel is the first part of the path."""


@asynccontextmanager
async def outside_world(scene: Scene) -> AsyncIterator[Outside]:
    """Both servers, on free ports of this machine. They count what arrives in the scene."""
    mailbox, providers = Mailbox(scene), Providers(scene)
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(lambda: SMTP(mailbox), LISTENS_ON, 0)
    http = await asyncio.start_server(providers.serve, LISTENS_ON, 0)
    async with smtp, http:
        api_port = http.sockets[0].getsockname()[1]
        yield Outside(smtp.sockets[0].getsockname()[1], f"http://{LISTENS_ON}:{api_port}")
        http.close()
        providers.hang_up()


class Mailbox:
    """Takes every mail."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # its name there
        """Counts the mail, and whether a picture came with it."""
        del server, session
        self._scene.replies_out["email"] += 1
        self._scene.pictures_out += b"Content-Type: image/png" in (envelope.original_content or b"")
        return "250 2.0.0 taken"


class Providers:
    """Accepts every message, in the words of the channel's provider."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._open: set[asyncio.StreamWriter] = set()
        self._run = secrets.token_hex(4)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, and any number of requests on it, each with its `Content-Length`."""
        self._open.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                lines = (line.partition(":") for line in head.lower().splitlines())
                size = next((int(value) for name, _, value in lines if name == "content-length"), 0)
                answer = msgspec.json.encode(self._answer(head.split(" ")[1], await reader.readexactly(size)))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return  # the sender hung up
        finally:
            self._open.discard(writer)
            writer.close()

    def hang_up(self) -> None:
        """Ends every connection."""
        for writer in self._open:
            writer.close()

    def _answer(self, path: str, body: bytes) -> Any:
        path = path.partition("?")[0]
        channel = path.split("/")[1]
        if path.endswith(("/stable_token", "/gettoken")):
            return {"access_token": secrets.token_hex(16), "expires_in": 7200}
        if path.endswith("/sync_msg"):
            return self._page(msgspec.json.decode(body).get("cursor", ""))
        handed, answer = taken(channel, path, body)
        self._scene.replies_out[channel] += 1
        self._scene.handed.append(handed)
        return answer

    def _page(self, cursor: str) -> Any:
        """What WeCom has to tell after the cursor; one of an earlier demo begins anew."""
        run, _, told = cursor.partition(".")
        items = self._scene.held_back[int(told) if run == self._run else 0 :]
        next_cursor = f"{self._run}.{len(self._scene.held_back)}"
        return {"errcode": 0, "errmsg": "ok", "next_cursor": next_cursor, "has_more": 0, "msg_list": items}


def taken(channel: str, path: str, body: bytes) -> tuple[Handed, Any]:
    """What was handed over, and the answer of the channel's provider.

    Example: `"line"`, `"/line/v2/bot/message/push"`, `{"to": "U206d", "messages": […]}`
    → `{"sentMessages": [{"id": "4612309"}]}`
    """
    number = secrets.randbelow(2**50)
    said: dict[str, Any] = dict(parse_qsl(body.decode())) if channel == "sms" else msgspec.json.decode(body)
    match channel:
        case "whatsapp":
            provider_id = f"wamid.{number}"
            return Handed(channel, provider_id, said["to"]), {"messages": [{"id": provider_id}]}
        case "telegram":
            result = {"message_id": number, "chat": {"id": int(said["chat_id"]), "type": "private"}}
            return Handed(channel, str(number), said["chat_id"]), {"ok": True, "result": result}
        case "line":
            return Handed(channel, str(number), said["to"]), {"sentMessages": [{"id": str(number)}]}
        case "wechat":
            return Handed(channel, "", said["touser"]), {"errcode": 0, "errmsg": "ok"}
        case "wecom":
            answer = {"errcode": 0, "errmsg": "ok", "msgid": said["msgid"]}
            return Handed(channel, said["msgid"], said["touser"]), answer
        case "x":
            handle = path.split("/")[-2]
            return Handed(channel, str(number), handle), {"data": {"dm_event_id": str(number)}}
        case "sms":
            provider_id = f"SM{number:032x}"
            return Handed(channel, provider_id, said["To"]), {"sid": provider_id, "status": "queued"}
        case _:
            provider_id, handle = f"m_{number}", said["recipient"]["id"]
            return Handed(channel, provider_id, handle), {"recipient_id": handle, "message_id": provider_id}
