"""The socket of people who work here: opened by a ticket from a page on the list, ended when they are out."""

from typing import Any
from urllib.parse import parse_qsl

from litestar import WebSocket
from litestar.handlers import WebsocketRouteHandler

from api.http.asked import Edge
from api.http.refusals import SignInNeeded
from api.sockets.connection import Closing, Code, Connection, Gone, accepted
from api.sockets.people_session import PeopleSession
from application.log import AlreadyClaimed, Context, LogBusy, LogUnreachable
from application.push import TooManyViewers
from domain.person import Person

PATH = "/v1/socket"
SUBPROTOCOL = "onethread.v1"
"""May be asked for; it changes nothing yet."""
FRAME_BYTES_MAX = 4_096
"""Nothing that a client has to say is longer."""
SOCKETS_PER_PERSON_MAX = 20


class PeopleSocket:
    """Opens sockets, and tells the open ones when a person changes."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._sessions: dict[str, set[PeopleSession]] = {}
        edge.parts.directory.on_person_changed.append(self._person_changed)

    def route(self) -> WebsocketRouteHandler:
        """As the framework wants it."""

        async def people_socket(socket: WebSocket[Any, Any, Any]) -> None:
            await self.serve(socket)

        return WebsocketRouteHandler(PATH)(people_socket)

    async def serve(self, socket: WebSocket[Any, Any, Any]) -> None:
        """Until either side ends it."""
        asked_for = socket.headers.get("sec-websocket-protocol", "")
        subprotocol = SUBPROTOCOL if SUBPROTOCOL in [one.strip() for one in asked_for.split(",")] else None
        connection = await accepted(socket, FRAME_BYTES_MAX, subprotocol)
        try:
            person = await self._let_in(socket)
            await self._serve(connection, person)
        except Gone:
            return
        except Closing as closing:
            await connection.close(closing)

    async def _let_in(self, socket: WebSocket[Any, Any, Any]) -> Person:
        """Whoever brings a ticket that nobody has used, from a page on the list. Raises Closing."""
        parts, at = self._edge.parts, self._edge.parts.clock()
        origin = socket.headers.get("origin")
        if origin is not None and origin not in parts.settings.allowed_origins:
            raise Closing(Code.ORIGIN, "this page is not on the list of origins")
        query = dict(parse_qsl(socket.scope["query_string"].decode("latin-1"), max_num_fields=10))
        try:
            ticket = self._edge.tokens.read_ticket(query.get("ticket", ""), at)
        except SignInNeeded:
            raise Closing(Code.NOT_SIGNED_IN, "the ticket is missing, wrong or out of date") from None
        person = parts.directory.person(ticket.person_id)
        if person is None:
            raise Closing(Code.NOT_SIGNED_IN, "the ticket's owner is out")
        claim = parts.claim_keys.once("ticket", ticket.ticket_id)
        try:
            outcome = await parts.log.append([], [claim], context=Context(person.id))
        except (LogBusy, LogUnreachable):
            raise Closing(Code.TRY_AGAIN, "get another ticket and try again") from None
        if isinstance(outcome, AlreadyClaimed):
            raise Closing(Code.NOT_SIGNED_IN, "the ticket has been used")
        return person

    async def _serve(self, connection: Connection, person: Person) -> None:
        mine = self._sessions.setdefault(person.id, set())
        if len(mine) >= SOCKETS_PER_PERSON_MAX:
            raise Closing(Code.TOO_MANY, f"one person has at most {SOCKETS_PER_PERSON_MAX} sockets open")
        try:
            session = PeopleSession(self._edge, connection, person)
        except TooManyViewers:
            raise Closing(Code.TRY_AGAIN, "this server is full") from None
        mine.add(session)
        gauge = self._edge.parts.metrics.sockets.labels("people")
        gauge.inc()
        try:
            async with self._edge.parts.attendance.of(person.agent_id):
                await session.run()
        finally:
            gauge.dec()
            session.end()
            mine.discard(session)
            if not mine:
                self._sessions.pop(person.id, None)

    def _person_changed(self, person_id: str) -> None:
        for session in self._sessions.get(person_id, ()):
            session.person_changed()
