"""A client of our own API, as any integration would write one: HTTP with idempotency keys, sockets with tickets."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect

from api.demo.scene import Scene

TIMEOUT_SECONDS = 30
REPEATS_MAX = 5
"""Of a command that the server puts off with 503: its key stays the same, so that it is carried out once."""


class Client:
    """Somebody, or some program, with their credential."""

    def __init__(self, http: httpx.AsyncClient, scene: Scene, credential: str = "") -> None:
        self._http = http
        self._scene = scene
        self._credential = credential

    async def sign_in(self, login: str, password: str) -> "Client":
        """A client of that person."""
        session = await self.post("/v1/sessions", {"login": login, "password": password})
        return Client(self._http, self._scene, session["token"])

    def with_key(self, key: str) -> "Client":
        """A client of that program."""
        return Client(self._http, self._scene, key)

    async def post(
        self,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> Any:
        """The answer's JSON, or `{"status": 200}` where it is none; `{}` where it was a refusal, which is counted."""
        raw = body if isinstance(body, bytes) else msgspec.json.encode({} if body is None else body)
        sent = {"Content-Type": content_type, "Idempotency-Key": secrets.token_hex(12)} | (headers or {})
        if self._credential:
            sent["Authorization"] = f"Bearer {self._credential}"
        answer = await self._http.post(path, content=raw, headers=sent)
        for _ in range(REPEATS_MAX):
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            await asyncio.sleep(float(answer.headers.get("Retry-After", "1")))
            answer = await self._http.post(path, content=raw, headers=sent)
        if answer.is_error:
            self._scene.refused[str(answer.status_code)] += 1
            return {}
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        return answer.json() if is_json else {"status": answer.status_code}

    async def get(self, path: str, **query: str | int) -> Any:
        """The answer's JSON. Raises httpx.HTTPStatusError."""
        answer = await self._http.get(path, params=query, headers={"Authorization": f"Bearer {self._credential}"})
        answer.raise_for_status()
        return answer.json()

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[ClientConnection]:
        """This person's socket."""
        ticket = (await self.post("/v1/tickets"))["ticket"]
        url = str(self._http.base_url).replace("http", "ws", 1)
        async with connect(f"{url}/v1/socket?ticket={ticket}", compression=None, max_size=2**24) as socket:
            yield socket
