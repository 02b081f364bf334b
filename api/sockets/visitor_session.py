"""One visitor of a web chat: what they say is stored, and they see their own messages and the answers, nothing else."""

import asyncio
import time
from collections import deque
from typing import Any

from api.doors.visitors_door import VisitorStands, new_visitor
from api.http.asked import Edge
from api.http.problems import problem_of
from api.sockets.connection import Closing, Code, Connection, until_first_ends
from api.sockets.typing import Whisper
from api.sockets.visitor_frames import is_shown, lines_of, shown_to
from application.commands import Command, Contended
from application.ids import derived_id
from application.log import LogBusy, LogUnreachable
from application.views import ViewNotBuilt, ViewsUnreachable
from application.watching.viewer import Disconnected, TooSlow
from channels import webchat
from channels.edge.payload import SignatureWrong, UnreadablePayload
from domain.event import RuleBroken

HELLO_SECONDS_MAX = 10.0
STORED_KEPT = 100
"""Positions of what this very socket said: it has been told `stored` and needs no echo."""
AGAIN_SECONDS = 1.0
TYPING = b'{"kind":"typing"'
TEMPORARY = (LogBusy, LogUnreachable, Contended, ViewsUnreachable, ViewNotBuilt)


class VisitorSession:
    """Runs from `hello` until either side ends it."""

    def __init__(self, edge: Edge, connection: Connection, account_id: str, settings: webchat.Settings) -> None:
        self._edge = edge
        self._parts = edge.parts
        self._connection = connection
        self._account_id = account_id
        self._settings = settings
        self._visitor = VisitorStands(visitor_id="", token="")  # none yet
        self._name = ""
        self._customer_id = ""
        self._seen = 0
        """The visitor has everything up to here."""
        self._allowance = webchat.Allowance(counted_at=time.monotonic())
        self._stored: deque[int] = deque(maxlen=STORED_KEPT)
        self._viewer = edge.parts.hub.connect()
        self._sending = asyncio.Lock()

    async def run(self) -> None:
        """Raises Closing, Gone."""
        try:
            async with asyncio.timeout(HELLO_SECONDS_MAX):
                hello = webchat.read_frame(await self._connection.receive())
        except TimeoutError:
            raise Closing(Code.UNREADABLE, "say hello first") from None
        except UnreadablePayload as error:
            raise Closing(Code.UNREADABLE, str(error)) from None
        if not isinstance(hello, webchat.Hello):
            raise Closing(Code.UNREADABLE, "say hello first")
        await self._greet(hello)
        await until_first_ends(self._listen(), self._speak(), self._cut_off())

    def end(self) -> None:
        """Lets the hub go."""
        self._edge.typing.leave(self._customer_id, self._hear_typing)
        self._parts.hub.disconnect(self._viewer)

    async def _greet(self, hello: webchat.Hello) -> None:
        at, visitor_id = self._parts.clock(), ""
        if hello.token:
            try:
                visitor_id = webchat.verify_visitor_token(
                    hello.token, account_id=self._account_id, keys=self._settings.visitor_keys, at=at
                )
            except SignatureWrong as error:
                raise Closing(Code.NOT_SIGNED_IN, str(error)) from None
        self._visitor = new_visitor(self._account_id, self._settings, at, visitor_id)
        self._name, self._seen = hello.name, hello.after
        try:
            known = await self._find_customer() if visitor_id else False
            position = hello.after if known else await self._parts.log.head()
        except LogUnreachable:
            raise Closing(Code.TRY_AGAIN, "try again shortly") from None
        await self._tell(
            webchat.Welcome(visitor_id=self._visitor.visitor_id, token=self._visitor.token, position=position)
        )
        if known:
            await self._watch(after=hello.after or None)

    async def _find_customer(self) -> bool:
        """Whose this visitor id is, if they ever said anything."""
        keys = self._parts.claim_keys
        key = keys.identity("webchat", self._account_id, self._visitor.visitor_id, f"customer-{'0' * 32}").key
        found = (await self._parts.log.claimed([key])).get(key)
        if found is not None:
            self._customer_id = derived_id("customer", found[1])
        return found is not None

    async def _watch(self, after: int | None) -> None:
        """Raises Closing where it cannot be watched at the moment."""
        account_id = self._account_id
        try:
            await self._parts.hub.watch(
                self._viewer, "timeline", self._customer_id, after, lambda header: is_shown(header, account_id)
            )
        except (ViewsUnreachable, ViewNotBuilt):
            raise Closing(Code.TRY_AGAIN, "try again shortly") from None
        await self._edge.typing.listen(self._customer_id, self._hear_typing)

    async def _listen(self) -> None:
        while True:
            text = await self._connection.receive()
            try:
                frame = webchat.read_frame(text)
            except UnreadablePayload as error:
                await self._tell(webchat.Refused(problem=str(error)))
                continue
            said_id = frame.id if isinstance(frame, webchat.Said) else ""
            self._allowance, wait_seconds = self._allowance.take(time.monotonic())
            if wait_seconds:
                await self._tell(
                    webchat.Refused(problem="too much at once", id=said_id, retry_after_seconds=wait_seconds)
                )
            elif isinstance(frame, webchat.Said):
                await self._store(frame)
            elif isinstance(frame, webchat.Typing) and self._customer_id:
                await self._edge.typing.tell(Whisper(self._customer_id, frame.is_typing, self._account_id))

    def _hear_typing(self, whisper: Whisper) -> None:
        """Of agents only. Through the hub's backlog, so that one who does not read holds nobody up."""
        if not whisper.account_id:
            self._viewer.put(webchat.frame_bytes(webchat.Typing(is_typing=whisper.is_typing)))

    async def _store(self, said: webchat.Said) -> None:
        at = self._parts.clock()
        command = Command(actor=self._account_id, at=at)
        try:
            message = webchat.to_message(said, visitor_id=self._visitor.visitor_id, name=self._name, received_at=at)
            (receipt,) = await self._parts.receive.receive(self._account_id, (message,), command)
        except UnreadablePayload as error:
            await self._tell(webchat.Refused(problem=str(error), id=said.id))
        except (*TEMPORARY, RuleBroken) as error:
            problem, _ = problem_of(error, "")
            again = AGAIN_SECONDS if isinstance(error, TEMPORARY) else 0.0
            await self._tell(
                webchat.Refused(problem=problem.detail or problem.title, id=said.id, retry_after_seconds=again)
            )
        else:
            self._edge.count_received("webchat")
            self._stored.append(receipt.position)
            await self._tell(webchat.Stored(id=said.id, position=receipt.position))
            if not self._customer_id:
                self._customer_id = receipt.customer_id
                await self._watch(after=receipt.position)

    async def _speak(self) -> None:
        while True:
            try:
                frame = await self._viewer.next()
            except TooSlow:
                raise Closing(Code.TOO_SLOW, "you read too slowly") from None
            except Disconnected:
                raise Closing(Code.TRY_AGAIN, "this server is stopping") from None
            if frame.startswith(TYPING):
                await self._send(frame)
                continue
            for line in lines_of(frame):
                if line.position <= self._seen or line.position in self._stored:
                    continue
                shown = shown_to(self._visitor.visitor_id, line, self._author(line.event.agent_id))
                if shown is not None:
                    self._seen = line.position
                    await self._tell(shown)

    def _author(self, agent_id: str | None) -> str:
        """The name of the person who works as the agent."""
        people: Any = self._parts.directory.people.values()
        return next((one.name for one in people if agent_id is not None and one.agent_id == agent_id), "")

    async def _cut_off(self) -> None:
        """A client that does not read keeps `_speak` from noticing that the hub has cut it off."""
        await self._viewer.is_over.wait()
        await asyncio.sleep(0.05)  # `_speak` goes first where it can
        raise Closing(Code.TOO_SLOW, "you read too slowly")

    async def _tell(self, frame: webchat.ServerFrame) -> None:
        await self._send(webchat.frame_bytes(frame))

    async def _send(self, frame: bytes) -> None:
        async with self._sending:
            await self._connection.send(frame)
            self._parts.metrics.pushed.inc()
