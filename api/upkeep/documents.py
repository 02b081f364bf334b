"""The documents of this interface: OpenAPI for HTTP, AsyncAPI for the sockets, and a page to read the first."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from api.http.answer import Answer
from api.http.asked import Asked
from api.http.openapi import openapi_document
from api.http.operation import Nothing, Operation, read
from api.sockets.asyncapi import asyncapi_document

PAGE = Path(__file__).parent.parent / "http" / "documentation.html"
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"
"""The page loads nothing from elsewhere."""


def documents(operations_by_tag: Mapping[str, tuple[Operation, ...]]) -> tuple[Operation, ...]:
    """The operations that answer with a document about all the others."""
    openapi = _made_once(lambda: openapi_document(operations_by_tag))
    asyncapi = _made_once(asyncapi_document)

    @read("/v1/openapi.json", None, gives=None)
    async def read_openapi(asked: Asked[Nothing]) -> Answer:
        """The OpenAPI 3.1 document."""
        del asked
        return Answer(200, openapi())

    @read("/v1/asyncapi.json", None, gives=None)
    async def read_asyncapi(asked: Asked[Nothing]) -> Answer:
        """The AsyncAPI 3 document of the sockets."""
        del asked
        return Answer(200, asyncapi())

    @read("/v1/docs", None, gives=None, answer_media_type="text/html")
    async def read_documentation(asked: Asked[Nothing]) -> Answer:
        """A page to read the OpenAPI document with."""
        del asked
        headers = [("content-security-policy", PAGE_POLICY)]
        return Answer(200, PAGE.read_bytes(), headers, "text/html; charset=utf-8")

    return (read_openapi, read_asyncapi, read_documentation)


def _made_once(make: Callable[[], dict[str, Any]]) -> Callable[[], bytes]:
    """The document as JSON, made when it is first asked for."""
    return cache(lambda: msgspec.json.encode(make()))
