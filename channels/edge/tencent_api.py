"""Calls to WeChat and WeCom: access tokens, and errors that come with status 200 and an `errcode`."""

import asyncio
from asyncio import AbstractEventLoop
from collections.abc import Collection, Mapping
from typing import Any, Literal
from urllib.parse import quote, urlsplit
from weakref import WeakKeyDictionary

import httpx
import msgspec

from application.exchange.media import Fetched, Get, MediaRefused
from application.exchange.sending import Outgoing, OutgoingFile, Refusal, Rejected, Unknown
from channels.edge.payload import UnreadablePayload, a_dict, a_text, read_json
from channels.edge.posting import REASON_LENGTH_MAX, as_nothing_sent, json_of, post, refused_by_status
from channels.edge.text import one_line
from channels.edge.tokens import Token, TokenCache
from domain.outbound.reach import Reach

TOKENS = TokenCache()
_CLIENTS: WeakKeyDictionary[AbstractEventLoop, httpx.AsyncClient] = WeakKeyDictionary()
TOKEN_STALE = frozenset({40_001, 40_014, 42_001})
"""Invalid or expired; a new one is fetched once, and the same again is our fault."""
BUSY = -1
"""The system is busy; Tencent asks to try again."""
TOKEN_SECONDS_MAX = 10.0
MEDIA_GONE = frozenset({40_007, 40_004})
"""A media id that is wrong or older than three days."""
ERROR_BYTES_MAX = 4_096
"""A media answer longer than this is not an error in JSON."""


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """How an account calls its API."""

    api_url: str
    """Setting `api_url`, without a path."""
    app: str
    """App id or corp id."""
    secret: str
    """Empty: this account only receives."""
    asks: Literal["stable_token", "gettoken"]
    """Both answer the same token to everybody until it ends, so that processes do not take it from each other.

    WeChat's older `token` call would: each call ends what the last one gave (getStableAccessToken, WeChat's page).
    """

    @property
    def key(self) -> tuple[str, ...]:
        return (self.api_url, self.app, self.secret)

    async def token(self, client: httpx.AsyncClient | None = None) -> str | Rejected:
        """The live token, or why there is none; without a client, that of this loop fetches one where need be."""
        if not self.secret:
            reason = "settings: this account has no secret to call with, so it only receives"
            return Rejected(reason=reason, refusal=Refusal.OUR_FAULT, concerns_account=True)
        return await TOKENS.get(self.key, lambda: self._fetch_token(client or _own_client()))

    async def _fetch_token(self, client: httpx.AsyncClient) -> Token | Rejected:
        """Example: `{"access_token": "ACCESS_TOKEN", "expires_in": 7200}`; `{"errcode": 40013, "errmsg": "…"}`."""
        try:
            if self.asks == "stable_token":
                body = {"grant_type": "client_credential", "appid": self.app, "secret": self.secret}
                url = f"{self.api_url}/cgi-bin/stable_token"
                answer = await client.post(url, json=body, timeout=TOKEN_SECONDS_MAX)
            else:
                params = {"corpid": self.app, "corpsecret": self.secret}
                url = f"{self.api_url}/cgi-bin/gettoken"
                answer = await client.get(url, params=params, timeout=TOKEN_SECONDS_MAX)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            is_wrong = isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL)
            return Rejected(
                reason=f"no access token: {type(error).__name__}",  # its text may hold the URL, and that the secret
                refusal=Refusal.OUR_FAULT if is_wrong else Refusal.RETRY_LATER,
                concerns_account=True,
            )
        found = json_of(answer)
        if value := a_text(found.get("access_token")):
            return Token(value=value, lives_seconds=_seconds(found.get("expires_in")))
        is_passing = answer.status_code == 429 or answer.status_code >= 500 or errcode_of(found) == BUSY
        return Rejected(
            reason=one_line(f"no access token: {answer.status_code} {_words(found)}"),
            refusal=Refusal.RETRY_LATER if is_passing else Refusal.OUR_FAULT,
            concerns_account=True,
        )


def _own_client() -> httpx.AsyncClient:
    """One for each loop: making one costs more than a call. It keeps no connection, so there is nothing to close."""
    loop = asyncio.get_running_loop()
    if (client := _CLIENTS.get(loop)) is None:
        client = _CLIENTS[loop] = httpx.AsyncClient(limits=httpx.Limits(max_keepalive_connections=0))
    return client


async def call(
    client: httpx.AsyncClient, access: Access, path: str, body: Mapping[str, Any]
) -> dict[str, Any] | Rejected | Unknown:
    """The JSON that came back, whatever its `errcode`. A stale token is replaced once: the call was not carried out.

    Example: `{"errcode": 0, "errmsg": "ok"}`
    """
    # msgspec writes UTF-8 as it is: WeChat shows the customer \u escapes as they stand.
    encoded, headers = msgspec.json.encode(body), {"content-type": "application/json"}
    answer = await _posted(client, access, path, content=encoded, headers=headers)
    if not isinstance(answer, httpx.Response):
        return answer
    payload = json_of(answer)
    return payload if "errcode" in payload else Unknown(reason=f"{answer.status_code} without an errcode")


async def upload_media(
    client: httpx.AsyncClient, access: Access, file: OutgoingFile, refusals: Mapping[int, Refusal]
) -> str | Rejected:
    """The media id under which the file is kept for three days: `POST /cgi-bin/media/upload`, which sends nothing to
    anybody, so that it may be tried again whatever went wrong.

    Example: `{"type": "image", "media_id": "MEDIA_ID", "created_at": 123456789}`, of WeCom with `"errcode": 0`
    """
    given = {"media": (file.name, file.body, file.content_type)}
    answer = await _posted(client, access, "/cgi-bin/media/upload", {"type": file.sent_as}, files=given)
    if not isinstance(answer, httpx.Response):
        return as_nothing_sent(answer)
    payload = json_of(answer)
    if errcode_of(payload):
        return refused(payload, refusals)
    reason = f"{answer.status_code} without a media_id"
    return a_text(payload.get("media_id")) or Rejected(reason=reason, refusal=Refusal.RETRY_LATER)


async def message_of(
    reply: Outgoing, client: httpx.AsyncClient, access: Access, refusals: Mapping[int, Refusal]
) -> dict[str, Any] | Rejected:
    """What a message says: a text, or a file, which is uploaded first.

    Example: `{"msgtype": "image", "image": {"media_id": "MEDIA_ID"}}`
    """
    if not reply.files:
        return {"msgtype": "text", "text": {"content": reply.text}}
    (file,) = reply.files
    media_id = await upload_media(client, access, file, refusals)
    if isinstance(media_id, Rejected):
        return media_id
    return {"msgtype": file.sent_as, file.sent_as: {"media_id": media_id}}


async def _posted(
    client: httpx.AsyncClient,
    access: Access,
    path: str,
    params: Mapping[str, str] = {},
    *,
    is_again: bool = False,
    **request: Any,
) -> httpx.Response | Rejected | Unknown:
    """An answer with a status of 2xx. A stale token is replaced once: what came with it was not carried out."""
    token = await access.token(client)
    if isinstance(token, Rejected):
        return token
    answer = await post(client, f"{access.api_url}{path}", params={"access_token": token, **params}, **request)
    if not isinstance(answer, httpx.Response):
        return answer
    if not answer.is_success:
        return refused_by_status(answer, answer.reason_phrase)
    if errcode_of(json_of(answer)) in TOKEN_STALE:
        TOKENS.forget(access.key, token)
        if not is_again:
            return await _posted(client, access, path, params, is_again=True, **request)
    return answer


def errcode_of(payload: Mapping[str, Any]) -> int:
    """0 is success; what is no number is -2, which Tencent does not use."""
    code = payload.get("errcode", 0)
    return code if isinstance(code, int) and not isinstance(code, bool) else -2


def refused(
    payload: Mapping[str, Any], refusals: Mapping[int, Refusal], blocks: Collection[int] = frozenset()
) -> Rejected:
    """What an `errcode` other than 0 means; one that is not known is our fault until somebody has looked at it.
    Of the refusals, `blocks` are those by which the customer left the account.

    Example: `{"errcode": 45015, "errmsg": "response out of time limit or subscription is canceled"}`
    """
    code = errcode_of(payload)
    refusal = refusals.get(code, Refusal.RETRY_LATER if code == BUSY else Refusal.OUR_FAULT)
    is_accounts = code in TOKEN_STALE or (refusal is Refusal.RETRY_LATER and code != BUSY)
    reach = Reach.BLOCKED if code in blocks else None
    return Rejected(reason=_words(payload), refusal=refusal, concerns_account=is_accounts, reach=reach)


async def fetch_media(access: Access, media_id: str, get: Get) -> Fetched:
    """`GET /cgi-bin/media/get`, at the API's own host. Raises MediaRefused.

    The token comes by another way than `get`: its address is the account's setting, nothing that a customer wrote.
    """
    host = urlsplit(access.api_url).hostname or ""
    fetched = Fetched(body=b"")
    for _ in range(2):
        token = await access.token()
        if isinstance(token, Rejected):
            raise MediaRefused(token.reason, is_final=token.is_final)
        query = f"access_token={quote(token, safe='')}&media_id={quote(media_id, safe='')}"
        fetched = await get(f"{access.api_url}/cgi-bin/media/get?{query}", hosts=(host,))
        error = _error_in(fetched.body)
        if not error:
            return fetched
        if errcode_of(error) not in TOKEN_STALE:
            raise MediaRefused(_words(error), is_final=errcode_of(error) in MEDIA_GONE)
        TOKENS.forget(access.key, token)
    raise MediaRefused(_words(_error_in(fetched.body)), is_final=False)


def _error_in(body: bytes) -> dict[str, Any]:
    """The error that came with status 200 in place of a file; empty for a file."""
    if len(body) > ERROR_BYTES_MAX or not body.lstrip().startswith(b"{"):
        return {}
    try:
        found = a_dict(read_json(body))
    except UnreadablePayload:
        return {}
    return found if errcode_of(found) else {}


def _seconds(value: Any) -> float:
    return float(value) if isinstance(value, int) and 0 < value <= 86_400 else 600.0


def _words(payload: Mapping[str, Any]) -> str:
    return one_line(f"{a_text(payload.get('errcode'))} {a_text(payload.get('errmsg'))}")[:REASON_LENGTH_MAX].strip()
