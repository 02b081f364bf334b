"""The OpenAPI 3.1 document, made from the operations themselves, so that it cannot say anything else than they do."""

from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from api.http.fields import EXAMPLE_HEX, id_pattern
from api.http.operation import Operation
from api.http.problems import MEDIA_TYPE, Problem
from api.http.schemas import Schemas

DESCRIPTION = """
One thread per customer: every interaction, whatever its channel, is an event in the customer's stream.

**Commands** are POSTs. They answer with the `position` that they led to in the log; a read with `min_position` of that
number shows their effect. Send each with an `Idempotency-Key` of your own: the same key with the same request gets the
first answer again, for ever, and changes nothing.

**Reads** of views answer with the `position` that the view stood at. Pages lead on by `next_cursor`.

**Problems** are RFC 9457 documents; each `type` is explained at its address, all of them at `/problems`.
The sockets are described in `/v1/asyncapi.json`.
""".strip()

PROBLEM_TEXTS = {
    400: "A part of the request cannot be read; `errors` names the field and the limit",
    401: "Not signed in, or a wrong signature",
    403: "The role does not allow it",
    404: "There is no such thing, or it is not yours to see",
    408: "The body did not arrive in time",
    409: "A rule refuses it; `type` says which",
    412: "`If-Match` names a revision that is no longer the newest",
    413: "The body is over the limit",
    415: "The body is of another media type",
    422: "The `Idempotency-Key` was used before for another command",
    429: "Too many attempts; `Retry-After` says how long to wait",
    500: "Something went wrong here",
    503: "Too busy, or not there yet; `Retry-After` says when to try again",
}
WAITING = (429, 503)
AUTHENTICATION = (401,)
STRUCTURED = ("application/json", "application/yaml")


def openapi_document(operations_by_tag: Mapping[str, tuple[Operation, ...]]) -> dict[str, Any]:
    """The whole document, ready for JSON."""
    operations = [one for several in operations_by_tag.values() for one in several]
    schemas = Schemas([Problem, *_types(operations)])
    paths: dict[str, dict[str, Any]] = {}
    for tag, several in operations_by_tag.items():
        for operation in several:
            described = _operation(operation, tag, schemas)
            paths.setdefault(operation.path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Onethread",
            "version": _version(),
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in operations_by_tag],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "responses": {f"Problem{status}": _problem(status, schemas) for status in PROBLEM_TEXTS},
            "headers": _HEADERS,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token of a session (`POST /v1/sessions`), or an API key (`onethread_…`).",
                }
            },
        },
    }


_HEADERS: dict[str, Any] = {
    "Position": {
        "description": "The position that the command led to, or that the view stood at.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "Replayed": {
        "description": "`true`: this had been done before; it is the first answer again.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "ETag": {"description": 'The revision, as in `"7"`.', "schema": {"type": "string"}},
    "RetryAfter": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}},
    "Authenticate": {"description": "How to prove who you are.", "schema": {"type": "string"}},
}


def _version() -> str:
    try:
        return version("onethread")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0"


def _types(operations: list[Operation]) -> Iterator[Any]:
    for operation in operations:
        if operation.takes is not bytes:
            yield operation.takes
        if operation.gives is not None:
            yield operation.gives
        yield from operation.other_answers.values()


def _problem(status: int, schemas: Schemas) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if status in WAITING:
        headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    if status in AUTHENTICATION:
        headers["WWW-Authenticate"] = {"$ref": "#/components/headers/Authenticate"}
    return {
        "description": PROBLEM_TEXTS[status] + ".",
        "content": {MEDIA_TYPE: {"schema": schemas.of(Problem)}},
        **({"headers": headers} if headers else {}),
    }


def _operation(operation: Operation, tag: str, schemas: Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [tag],
        "summary": operation.summary,
        "description": operation.description,
        "parameters": list(_parameters(operation, schemas)),
        "responses": _responses(operation, schemas),
        "security": [] if operation.action is None else [{"bearer": []}],
    }
    if operation.takes_body:
        described["requestBody"] = _request_body(operation, schemas)
    if operation.action is not None:
        described["description"] += f"\n\nNeeds the permission `{operation.action}`."
    return described


def _request_body(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    if operation.takes is bytes:
        schema: dict[str, Any] = {} if operation.media_type in STRUCTURED else {"type": "string"}
        if operation.form:
            schema = {"type": "object", "required": list(operation.form), "properties": dict(operation.form)}
    else:
        schema = schemas.of(operation.takes)
    content: dict[str, Any] = {"schema": schema}
    if operation.example is not None:
        content["example"] = operation.example
    media_types = (operation.media_type, *operation.also_takes)
    return {"required": operation.demands_body, "content": dict.fromkeys(media_types, content)}


def _parameters(operation: Operation, schemas: Schemas) -> Iterator[dict[str, Any]]:
    for name in operation.path_names:
        yield {"name": name, "in": "path", "required": True, **_path_parameter(name)}
    if not operation.takes_body:
        for name, (schema, is_required) in schemas.fields(operation.takes).items():
            described = {"description": schema["description"]} if "description" in schema else {}
            yield {"name": name, "in": "query", "required": is_required, "schema": schema, **described}
    if operation.key != "none":
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": operation.key == "required",
            "description": "A key of your own for this one command: printable ASCII, with or without double quotes.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!#-~]+$"},
            "example": "8e03978e-40d5-43e8-bc93-6894a57f9324",
        }
    if operation.has_revision:
        yield {
            "name": "If-Match" if operation.takes_body else "If-None-Match",
            "in": "header",
            "required": False,
            "description": "The `ETag` of what it is about.",
            "schema": {"type": "string", "pattern": '^("[0-9]{1,17}"|[0-9]{1,17})$'},
            "example": '"7"',
        }


def _path_parameter(name: str) -> dict[str, Any]:
    if name.endswith("_id"):
        kind = name.removesuffix("_id")
        return {"schema": {"type": "string", "pattern": id_pattern(kind)}, "example": f"{kind}-{EXAMPLE_HEX}"}
    if name == "position":
        return {"schema": {"type": "integer", "minimum": 1, "maximum": 2**53 - 1}, "example": 42}
    if name == "ticket":
        return {
            "schema": {"type": "string", "pattern": "^[0-9]{1,12}-[0-9a-f]{32}$"},
            "example": f"1826409600-{EXAMPLE_HEX}",
        }
    if name == "digest":
        return {"schema": {"type": "string", "pattern": "^[0-9a-f]{64}$"}, "example": 2 * EXAMPLE_HEX}
    example = {"channel": "whatsapp", "slug": "at-capacity"}[name]
    return {"schema": {"type": "string", "pattern": "^[a-z-]{1,64}$"}, "example": example}


def _responses(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    responses = {str(operation.status): _success(operation, schemas)}
    for status in sorted(_problem_statuses(operation)):
        responses[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    if 304 in operation.statuses:
        responses["304"] = {"description": "Unchanged.", "headers": _references({"ETag": "ETag"})}
    for status, kind in operation.other_answers.items():
        responses[str(status)] = {
            "description": "Not at the moment." if status >= 500 else "A part of it is done.",
            "content": {"application/json": {"schema": schemas.of(kind)}},
        }
    return responses


def _success(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    schema = {"type": "string"} if operation.gives is None else schemas.of(operation.gives)
    headers: dict[str, str] = {}
    if operation.action is not None:
        headers["Onethread-Position"] = "Position"
    if operation.key != "none":
        headers["Idempotent-Replayed"] = "Replayed"
    if operation.has_revision and not operation.takes_body:
        headers["ETag"] = "ETag"
    return {
        "description": operation.summary + ".",
        "content": {operation.answer_media_type: {"schema": schema}},
        **({"headers": _references(headers)} if headers else {}),
    }


def _references(headers: Mapping[str, str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{component}"} for name, component in headers.items()}


def _problem_statuses(operation: Operation) -> set[int]:
    statuses = {400, 500, *operation.statuses} - {304}
    if operation.action is not None:
        statuses |= {401, 403, 503}
    if operation.path_names:
        statuses.add(404)
    if operation.takes_body:
        statuses |= {408, 413, 503}
        if operation.takes is not bytes:
            statuses.add(415)
    if operation.key != "none":
        statuses |= {409, 422}
    if operation.has_revision and operation.takes_body:
        statuses.add(412)
    return statuses - set(operation.other_answers)
