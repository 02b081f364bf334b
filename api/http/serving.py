"""From an operation to a route of the framework: who asks, may they, what do they give; then answer or problem."""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, HTTPScope, Receive

from api.access.authentication import authenticate
from api.access.permissions import Reach, demand
from api.http.answer import Answer
from api.http.asked import ANYBODY, Asked, Edge
from api.http.bodies import decode, demand_json, invalid_query, read_body
from api.http.fields import ID
from api.http.idempotency import read_key
from api.http.operation import NOTHING, Nothing, Operation
from api.http.problems import answer_problem
from api.http.refusals import ClientGone, Invalid, Unknown

QUERY_FIELDS_MAX = 20
GONE = Answer(499)
"""Nobody is there to read it."""


def route_of(operation: Operation, edge: Edge) -> HTTPRouteHandler:
    """The operation as the framework wants it."""
    serving = Serving(operation, edge)

    async def answer(request: Request[Any, Any, Any]) -> ASGIApp:
        return await serving.answer(request.scope, request.receive)

    path = operation.path.replace("}", ":str}")
    return HTTPRouteHandler(
        path, http_method=[operation.method], name=operation.name, status_code=operation.status, include_in_schema=False
    )(answer)


class Serving:
    """Answers one operation."""

    def __init__(self, operation: Operation, edge: Edge) -> None:
        self._operation = operation
        self._edge = edge
        settings = edge.parts.settings
        self._bytes_max = settings.mail_bytes_max if operation.is_large else settings.body_bytes_max
        self._decoder = msgspec.json.Decoder(operation.takes) if operation.takes is not bytes else None
        self._seconds = edge.parts.metrics.request_seconds
        self._refused = edge.parts.metrics.refused

    async def answer(self, scope: HTTPScope, receive: Receive) -> Answer:
        """Whatever happens, there is an answer: this is the edge, where everything that was raised ends."""
        began = time.perf_counter()
        try:
            answer = await self._carry_out(scope, receive)
        except ClientGone:
            answer = GONE
        except Exception as error:  # noqa: BLE001  # the edge: the table says what it means, the rest is logged
            answer = answer_problem(error, scope["path"])
            self._refused.labels(answer.problem).inc()
        operation = self._operation
        self._seconds.labels(operation.method, operation.path, answer.status).observe(time.perf_counter() - began)
        return answer

    async def _carry_out(self, scope: HTTPScope, receive: Receive) -> Answer:
        operation, edge = self._operation, self._edge
        headers = dict(scope["headers"])
        at = edge.parts.clock()
        person, reach = ANYBODY, Reach.ALL
        if operation.action is not None:
            authorization = _text(headers.get(b"authorization"))
            person = authenticate(authorization, at, edge.parts.directory, edge.tokens)
            reach = demand(person, operation.action)
        ids = _ids(scope["path_params"])
        raw, given = b"", NOTHING
        if operation.takes_body:
            raw = await read_body(receive, _text(headers.get(b"content-length")), self._bytes_max)
            given = self._given(raw, _text(headers.get(b"content-type")))
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
        )
        return await operation.run(asked)

    def _given(self, raw: bytes, content_type: str | None) -> Any:
        if self._decoder is None:  # a channel reads it
            return raw
        if not raw and self._operation.takes is Nothing:
            return NOTHING
        demand_json(content_type)
        return decode(raw, self._decoder)


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
        given[name] = value
    try:
        return msgspec.convert(given, takes, strict=False)
    except msgspec.ValidationError as error:
        raise invalid_query(error) from None
