"""One visitor of a web chat: what they say is stored, and they see their own messages and the answers, nothing else."""

import asyncio
import time
from collections import deque
from typing import Any

from api.http.asked import Edge
from api.http.problems import problem_of
from api.sockets.connection import Closing, Code, Connection, until_first_ends
from api.sockets.typing import Pace, Whisper
from api.sockets.visitor_frames import Lines, is_shown, lines_of, shown_to
from api.sockets.visitor_identity import VisitorIdentity
from api.sockets.visitor_places import VisitorPlaces
from application.commands import Command, Contended
from application.log import LogBusy, LogUnreachable
from application.views import ViewNotBuilt, ViewsUnreachable
from application.watching.viewer import Disconnected, TooSlow
from channels import webchat
from channels.edge.payload import SignatureWrong, UnreadablePayload
from channels.edge.text import language_tag
from domain.event import RuleBroken

HELLO_SECONDS_MAX = 10.0
STORED_KEPT = 100
"""Positions of what this very socket said: it has been told `stored` and needs no echo."""
AGAIN_SECONDS = 1.0
EPHEMERAL = (b'{"kind":"typing"', b'{"kind":"presence"')
TIMELINE = "timeline"
TEMPORARY = (LogBusy, LogUnreachable, Contended, ViewsUnreachable, ViewNotBuilt)


class VisitorSession:
    """Runs from `hello` until either side ends it."""

    def __init__(self, edge: Edge, connection: Connection, account_id: str, settings: webchat.Settings) -> None:
        self._edge = edge
        self._parts = edge.parts
        self._connection = connection
        self._account_id = account_id
        self._settings = settings
        self._seen: dict[str, int] = {}
        """By watch: the visitor has everything of it up to here."""
        self._afresh: set[str] = set()
        """Watches whose next snapshot tells everything anew."""
        self._followed: set[str] = set()
        self._language = ""
        self._places: VisitorPlaces | None = None
        """Where the visitor asked to be told."""
        self._pace = Pace()
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
        try:
            await self._greet(hello)
        except TEMPORARY:
            raise Closing(Code.TRY_AGAIN, "try again shortly") from None
        await until_first_ends(self._listen(), self._speak(), self._cut_off())

    def end(self) -> None:
        """Lets the hub go."""
        for customer_id in self._followed:
            self._edge.typing.leave(customer_id, self._hear_typing)
        self._parts.hub.disconnect(self._viewer)

    async def _greet(self, hello: webchat.Hello) -> None:
        """Raises Closing, and what `TEMPORARY` names."""
        try:
            self._identity = VisitorIdentity(self._parts, self._account_id, self._settings, hello.token)
        except SignatureWrong as error:
            raise Closing(Code.NOT_SIGNED_IN, str(error)) from None
        identity, self._language = self._identity, hello.language
        answer: webchat.ServerFrame | None = None
        try:
            if await identity.identify(hello):
                answer = self._identified()
        except SignatureWrong as error:
            answer = webchat.Refused(problem=str(error))
        await identity.look_up()
        position = hello.after if identity.home.customer_id else await self._parts.log.head()
        await self._tell(webchat.Welcome(visitor_id=identity.visitor_id, token=identity.token, position=position))
        if answer is not None:
            await self._tell(answer)
        if hello.places:
            self._places = VisitorPlaces(self._parts, self._viewer, self._account_id, identity)
        await self._follow(hello.after or None)

    async def _follow(self, after: int | None) -> None:
        """Watches wherever the visitor's words are. Those of two customers are told from the beginning: the two come
        one after the other, so a visitor cut off in between could not name one position up to which both are seen.
        """
        home = self._identity.home
        earlier = home.earlier_customer_id
        for customer_id in (earlier, home.customer_id):
            if customer_id:
                await self._watch(customer_id, None if earlier else after)

    async def _watch(self, customer_id: str, after: int | None) -> None:
        account_id, name = self._account_id, f"{TIMELINE}:{customer_id}"
        if after is None:
            self._afresh.add(name)
        self._seen[name] = after or 0
        await self._parts.hub.watch(
            self._viewer, TIMELINE, customer_id, after, lambda header: is_shown(header, account_id)
        )
        if customer_id not in self._followed:
            self._followed.add(customer_id)
            await self._edge.typing.listen(customer_id, self._hear_typing, account_id)
        if self._places is not None:
            await self._places.watch(customer_id)

    def _identified(self) -> webchat.Identified:
        one = self._identity
        return webchat.Identified(user=one.who.user, visitor_id=one.visitor_id, token=one.token)

    async def _listen(self) -> None:
        while True:
            try:
                text = await self._connection.receive()
            except Closing as closing:  # too large, too much, or no text: said in a frame, too
                await self._tell(webchat.Refused(problem=closing.reason))
                raise
            try:
                frame = webchat.read_frame(text)
            except UnreadablePayload as error:
                await self._tell(webchat.Refused(problem=str(error)))
                continue
            said_id = frame.id if isinstance(frame, webchat.Said) else ""
            visitor_id = self._identity.visitor_id
            wait_seconds = self._edge.allowances.take(self._account_id, visitor_id, time.monotonic())
            if wait_seconds:
                await self._tell(
                    webchat.Refused(problem="too much at once", id=said_id, retry_after_seconds=wait_seconds)
                )
            elif isinstance(frame, webchat.Said):
                await self._store(frame)
            elif isinstance(frame, webchat.Identify) and not isinstance(frame, webchat.Hello):
                await self._identify(frame)
            elif isinstance(frame, webchat.Typing):
                await self._tell_typing(is_typing=frame.is_typing)

    async def _tell_typing(self, *, is_typing: bool) -> None:
        customer_id = self._identity.home.customer_id
        if customer_id and self._pace.is_news(is_typing=is_typing):
            await self._edge.typing.tell(Whisper(customer_id, is_typing, self._account_id))

    async def _identify(self, frame: webchat.Identify) -> None:
        try:
            if await self._identity.identify(frame):
                await self._tell(self._identified())
                await self._follow(None)
            await self._hear_language(frame.language)
        except SignatureWrong as error:
            await self._tell(webchat.Refused(problem=str(error)))
        except TEMPORARY as error:
            problem, _ = problem_of(error, "")
            await self._tell(webchat.Refused(problem=problem.title, retry_after_seconds=AGAIN_SECONDS))

    async def _hear_language(self, language: str) -> None:
        """It comes with all that they say from now on; what waits already is told it."""
        if not language:
            return
        self._language, home = language, self._identity.home
        if home.customer_id:
            command = Command(actor=self._account_id, at=self._parts.clock())
            tag = language_tag(language)
            await self._parts.steer.hear_language(command, home.customer_id, self._account_id, tag)

    def _hear_typing(self, whisper: Whisper) -> None:
        """Of agents only. Through the hub's backlog, so that one who does not read holds nobody up."""
        if whisper.account_id:
            return
        if whisper.is_present is not None:
            self._viewer.put(webchat.frame_bytes(webchat.Presence(is_present=whisper.is_present)))
        elif whisper.is_about_typing:
            self._viewer.put(webchat.frame_bytes(webchat.Typing(is_typing=whisper.is_typing)))

    async def _store(self, said: webchat.Said) -> None:
        at = self._parts.clock()
        command = Command(actor=self._account_id, at=at)
        try:
            one, language = self._identity, self._language
            files = webchat.attachments_of(
                said, self._settings, account_id=self._account_id, visitor_id=one.visitor_id, at=at
            )
            message = webchat.to_message(
                said,
                visitor_id=one.visitor_id,
                name=one.name,
                received_at=at,
                who=one.who,
                language=language,
                attachments=files,
            )
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
            await self._settle(webchat.Stored(id=said.id, position=receipt.position), receipt.customer_id)

    async def _settle(self, stored: webchat.Stored, customer_id: str) -> None:
        """The first words of a visitor made a customer of them. What cannot be noted now is when they say hello.

        Noted before the words are told to be stored: the next session of this browser may be somebody else's.
        """
        if self._identity.home.customer_id:
            await self._tell(stored)
            return
        visitor_id = self._identity.visitor_id
        try:
            await self._identity.spoke(customer_id)
            await self._tell(stored)
            if self._identity.visitor_id != visitor_id:  # this browser became another customer's a moment ago
                await self._tell(self._identified())
            await self._watch(customer_id, stored.position)
        except TEMPORARY:
            raise Closing(Code.TRY_AGAIN, "try again shortly") from None

    async def _speak(self) -> None:
        while True:
            try:
                frame = await self._viewer.next()
            except TooSlow:
                raise Closing(Code.TOO_SLOW, "you read too slowly") from None
            except Disconnected:
                raise Closing(Code.TRY_AGAIN, "this server is stopping") from None
            if frame.startswith(EPHEMERAL):
                await self._send(frame)
                continue
            if self._places is not None and (told := await self._places.told_by(frame)) is not None:
                for place in told:
                    await self._tell(place)
                continue
            try:
                await self._show(lines_of(frame))
            except TEMPORARY:  # that the visitor saw it could not be noted: they are told it again
                raise Closing(Code.TRY_AGAIN, "try again shortly") from None

    async def _show(self, told: Lines) -> None:
        """What of it the visitor may see and has not seen."""
        if told.is_snapshot and told.watch in self._afresh:
            self._afresh.discard(told.watch)
            self._seen[told.watch] = 0
        customer_id = told.watch.partition(":")[2]
        sees, replies = self._identity.sees(customer_id), list[str]()
        for line in told.lines:
            if line.position <= self._seen.get(told.watch, 0) or line.position in self._stored:
                continue
            shown = shown_to(sees, line, self._author(line.event.agent_id))
            if shown is not None:
                self._seen[told.watch] = line.position
                await self._tell(shown)
                if isinstance(shown, webchat.Reply):
                    replies.append(line.event.message_id)
        command = Command(actor=self._account_id, at=self._parts.clock())
        await self._parts.hand_over.see(command, customer_id, replies)

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
