"""The socket of a web chat: opened from a page that the widget belongs on; `hello` says who it is."""

from typing import Any

from litestar import WebSocket
from litestar.handlers import WebsocketRouteHandler

from api.doors.visitors_door import is_allowed, settings_of
from api.http.asked import Edge
from api.http.refusals import TooManyAttempts
from api.sockets.connection import Closing, Code, Gone, accepted
from api.sockets.visitor_session import VisitorSession
from application.push import TooManyViewers
from channels import webchat
from domain.account import AccountUnknown

PATH = "/v1/webchat/{account_id}/socket"


class VisitorSocket:
    """Opens sockets of visitors."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    def route(self) -> WebsocketRouteHandler:
        """As the framework wants it."""

        async def visitor_socket(socket: WebSocket[Any, Any, Any]) -> None:
            await self.serve(socket)

        return WebsocketRouteHandler(PATH.replace("}", ":str}"))(visitor_socket)

    async def serve(self, socket: WebSocket[Any, Any, Any]) -> None:
        """Until either side ends it."""
        connection = await accepted(socket, webchat.FRAME_BYTES_MAX)
        gauge = self._edge.parts.metrics.sockets.labels("visitors")
        gauge.inc()
        session: VisitorSession | None = None
        try:
            account_id = socket.path_params["account_id"]
            settings = self._let_in(socket, account_id)
            try:
                session = VisitorSession(self._edge, connection, account_id, settings)
            except TooManyViewers:
                raise Closing(Code.TRY_AGAIN, "this server is full") from None
            await session.run()
        except Gone:
            return
        except Closing as closing:
            await connection.close(closing)
        finally:
            gauge.dec()
            if session is not None:
                session.end()

    def _let_in(self, socket: WebSocket[Any, Any, Any], account_id: str) -> webchat.Settings:
        """Raises Closing."""
        try:
            settings = settings_of(self._edge.parts, account_id)
        except AccountUnknown:
            raise Closing(Code.UNKNOWN, "there is no such web chat") from None
        if not is_allowed(socket.headers.get("origin"), settings):
            raise Closing(Code.ORIGIN, "this page is not one that the web chat belongs on")
        client = socket.scope["client"]
        try:
            self._edge.visitors_per_address.count(client[0] if client else "")
        except TooManyAttempts as error:
            raise Closing(Code.TOO_MANY, f"try again in {error.wait_seconds} s") from None
        return settings
