"""From an operation to a route of the framework: who asks, may they, what do they give; then answer or problem."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, HTTPScope, Receive
from prometheus_client import Histogram

from api.access.authentication import authenticate
from api.access.permissions import PERMISSIONS, Reach
from api.http.answer import Answer
from api.http.asked import ANYBODY, Asked, Edge
from api.http.bodies import decode, demand_json, invalid_query, read_body
from api.http.fields import ID
from api.http.idempotency import read_key
from api.http.operation import Operation
from api.http.problems import answer_problem
from api.http.refusals import ClientGone, Invalid, NotAllowed, Unknown

QUERY_FIELDS_MAX = 20
ONCE = frozenset({b"authorization", b"content-type", b"idempotency-key", b"if-match"})
"""Headers that mean nothing when they come twice: whoever reads the first would do other than who reads the last."""
GONE = Answer(499)
"""Nobody is there to read it."""


def routes_of(operations: Iterable[Operation], edge: Edge) -> list[HTTPRouteHandler]:
    """The operations as the framework wants them: one handler a path, so that `Allow` names all of its methods."""
    by_path: dict[str, dict[str, Serving]] = {}
    for operation in operations:
        by_method = by_path.setdefault(operation.path, {})
        by_method[operation.method] = Serving(operation, edge)
        if operation.method == "GET":  # the server leaves the body out
            by_method["HEAD"] = by_method["GET"]
    return [_route_of(path, by_method) for path, by_method in by_path.items()]


def _route_of(path: str, by_method: Mapping[str, "Serving"]) -> HTTPRouteHandler:
    async def answer(request: Request[Any, Any, Any]) -> ASGIApp:
        return await by_method[request.scope["method"]].answer(request.scope, request.receive)

    methods: list[Any] = list(by_method)
    return HTTPRouteHandler(path.replace("}", ":str}"), http_method=methods, status_code=200, include_in_schema=False)(
        answer
    )


class Serving:
    """Answers one operation."""

    def __init__(self, operation: Operation, edge: Edge) -> None:
        self._operation = operation
        self._edge = edge
        settings = edge.parts.settings
        self._bytes_max = settings.mail_bytes_max if operation.is_large else settings.body_bytes_max
        if operation.is_file:
            self._bytes_max = settings.media_bytes_max
        if operation.bytes_max is not None:
            self._bytes_max = operation.bytes_max
        self._decoder = msgspec.json.Decoder(operation.takes) if operation.takes is not bytes else None
        self._demands_body = operation.demands_body
        self._reaches = {role: reach for (action, role), reach in PERMISSIONS.items() if action is operation.action}
        self._seconds: dict[int, Histogram] = {}

    async def answer(self, scope: HTTPScope, receive: Receive) -> Answer:
        """Whatever happens, there is an answer: this is the edge, where everything that was raised ends."""
        began = time.perf_counter()
        try:
            answer = await self._carry_out(scope, receive)
        except ClientGone:
            answer = GONE
        except Exception as error:  # noqa: BLE001  # the edge: the table says what it means, the rest is logged
            answer = answer_problem(error, scope["path"])
            self._edge.parts.metrics.refused.labels(answer.problem).inc()
        finally:
            self._edge.room.leave()
        self._measure(answer.status, time.perf_counter() - began)
        return answer

    def _measure(self, status: int, seconds: float) -> None:
        if (histogram := self._seconds.get(status)) is None:  # finding it by its labels takes longer than observing
            operation, metrics = self._operation, self._edge.parts.metrics
            histogram = metrics.request_seconds.labels(operation.method, operation.path, str(status))
            self._seconds[status] = histogram
        histogram.observe(seconds)

    async def _carry_out(self, scope: HTTPScope, receive: Receive) -> Answer:
        operation, edge = self._operation, self._edge
        given_headers = list(scope["headers"])
        headers = dict(given_headers)
        if len(headers) != len(given_headers):
            _demand_once(name for name, _ in given_headers)
        at = edge.parts.clock()
        person, reach = ANYBODY, Reach.ALL
        if operation.action is not None:
            authorization = _text(headers.get(b"authorization"))
            person = authenticate(authorization, at, edge.parts.directory, edge.tokens)
            reach = self._reaches.get(person.role, Reach.NONE)
            if reach is Reach.NONE:
                raise NotAllowed
        ids = _ids(scope["path_params"])
        raw = b""
        if operation.takes_body:
            is_mail = ids.get("channel") in operation.large_channels
            bytes_max = edge.parts.settings.mail_bytes_max if is_mail else self._bytes_max
            raw = await read_body(receive, _text(headers.get(b"content-length")), bytes_max, edge.patience, edge.room)
            given: Any = self._given(raw, _text(headers.get(b"content-type")))
        else:
            given = read_query(scope["query_string"], operation.takes)
        key = None
        if operation.key != "none":
            key = read_key(_text(headers.get(b"idempotency-key")), is_required=operation.key == "required")
        client = scope["client"]
        asked = Asked(
            edge=edge,
            person=person,
            reach=reach,
            at=at,
            method=operation.method,
            path=scope["path"],
            address=client[0] if client else "",
            header_bytes=headers,
            ids=ids,
            raw=raw,
            given=given,
            key=key,
            scheme=scope["scheme"],
            query_string=scope["query_string"],
        )
        return await operation.run(asked)

    def _given(self, raw: bytes, content_type: str | None) -> Any:
        if self._decoder is None:  # a channel reads it
            return raw
        if not raw and not self._demands_body:
            raw, content_type = b"{}", None
        demand_json(content_type)
        try:
            return decode(raw, self._decoder)
        except Invalid as refusal:
            if self._operation.read_apart is None:
                raise
            return self._operation.read_apart(raw, refusal)


def _demand_once(names: Iterable[bytes]) -> None:
    """Raises Invalid."""
    for name, count in Counter(names).items():
        if count > 1 and name in ONCE:
            raise Invalid(f"header.{name.decode()}", "given more than once", 1)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _ids(path_params: Mapping[str, Any]) -> Mapping[str, str]:
    """Raises Unknown for what cannot be an id: `customer_id` is `customer-` and 32 hex digits."""
    for name, value in path_params.items():
        if name.endswith("_id") and not (value.startswith(name[:-2].replace("_", "-")) and ID.fullmatch(value)):
            raise Unknown
    return path_params


def read_query(query_string: bytes, takes: type[Any]) -> Any:
    """The query as its type. Raises Invalid with the parameter that is wrong, and the limit where one was passed."""
    if not query_string:
        pairs = []
    else:
        try:
            pairs = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX)
        except ValueError:
            raise Invalid("query", "too many parameters", QUERY_FIELDS_MAX) from None
    given: dict[str, str] = {}
    for name, value in pairs:
        if name in given:
            raise Invalid(f"query.{name[:100]}", "given more than once")
        if "\0" in value:
            raise Invalid(f"query.{name[:100]}", "NUL (U+0000) is not allowed")
        if value.lower() == "null":  # which msgspec would read as none given
            raise Invalid(f"query.{name[:100]}", "leave it out instead")
        given[name] = value
    try:
        return msgspec.convert(given, takes, strict=False)
    except msgspec.ValidationError as error:
        raise invalid_query(error) from None
