"""The HTTP application: every operation and socket as a route of Litestar. It only puts together what others wrote."""

from litestar import Litestar
from litestar.types import ControllerRouterHandler

from api.http.asked import Edge
from api.http.problems import problem_response
from api.http.serving import routes_of
from api.parts import Parts
from api.routes.documents import documents
from api.routes.table import OPERATIONS, OPERATIONS_BY_TAG
from api.sockets.people_socket import PeopleSocket
from api.sockets.visitor_socket import VisitorSocket


def create_app(parts: Parts) -> Litestar:
    """The application on these parts, as an ASGI server runs it."""
    edge = Edge(parts)
    handlers: list[ControllerRouterHandler] = [*routes_of([*OPERATIONS, *documents(OPERATIONS_BY_TAG)], edge)]
    handlers += [PeopleSocket(edge).route(), VisitorSocket(edge).route()]
    return Litestar(
        route_handlers=handlers,
        exception_handlers={Exception: problem_response},  # type: ignore[dict-item]  # an Answer is an ASGI application
        openapi_config=None,  # `api/http/openapi.py` writes the document from the same operations
        logging_config=None,  # `api/logs.py` sets logging up, for the whole process
        request_max_body_size=None,  # `api/http/bodies.py` has the limits
    )
