"""The HTTP application: every operation and socket as a route of Litestar. It only puts together what others wrote."""

import re
from typing import Any

from litestar import Litestar
from litestar.types import ControllerRouterHandler, Receive, Scope, Send
from typing_extensions import override

from api.doors.adapters.adapter_door import bring_message
from api.http.asked import Edge
from api.http.problems import problem_response
from api.http.serving import Serving, routes_of
from api.parts import Parts
from api.routes.table import OPERATIONS, OPERATIONS_BY_TAG
from api.sockets.people_socket import PeopleSocket
from api.sockets.visitor_socket import VisitorSocket
from api.upkeep import health
from api.upkeep.documents import documents

BUSIEST = bring_message
BUSIEST_PATH = re.compile(BUSIEST.path.replace("{", "(?P<").replace("}", ">[^/]+)"))


def create_app(parts: Parts) -> Litestar:
    """The application on these parts, as an ASGI server runs it."""
    edge = Edge(parts)
    handlers: list[ControllerRouterHandler] = [*routes_of([*OPERATIONS, *documents(OPERATIONS_BY_TAG)], edge)]
    handlers += [PeopleSocket(edge).route(), VisitorSocket(edge).route()]
    application = Application(
        route_handlers=handlers,
        exception_handlers={Exception: problem_response},  # type: ignore[dict-item]  # an Answer is an ASGI application
        openapi_config=None,  # `api/http/openapi.py` writes the document from the same operations
        logging_config=None,  # `api/logs.py` sets logging up, for the whole process
        request_max_body_size=None,  # `api/http/bodies.py` has the limits
    )
    application.busiest = Serving(BUSIEST, edge)
    return application


def create_upkeep_app(parts: Parts) -> Litestar:
    """Health and metrics alone, for a process that serves nothing else."""
    return Litestar(
        route_handlers=routes_of(health.OPERATIONS, Edge(parts)),
        exception_handlers={Exception: problem_response},  # type: ignore[dict-item]  # as above
        openapi_config=None,
        logging_config=None,
    )


class Application(Litestar):
    """Litestar, with a short way in for the one operation that is asked for a thousand times a second.

    The same code answers it either way; going round the framework's routing saves a third of the time at the edge.
    """

    busiest: Serving

    @override
    async def __call__(self, scope: Scope | Any, receive: Receive | Any, send: Send | Any) -> None:
        request: Any = scope
        path = BUSIEST_PATH.fullmatch(request["path"]) if request["type"] == "http" else None
        if path is None or request["method"] != BUSIEST.method:
            await super().__call__(scope, receive, send)
            return
        request["path_params"] = path.groupdict()
        answer = await self.busiest.answer(request, receive)
        await answer(request, receive, send)
