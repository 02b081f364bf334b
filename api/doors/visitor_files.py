"""Files for visitors of a web chat: what came with an answer to them, as a download that no browser acts upon."""

from api.doors.visitors_door import is_allowed, settings_of
from api.http.answer import Answer
from api.http.asked import Asked
from api.http.known import fresh_state
from api.http.operation import command
from api.http.refusals import Invalid, NotAllowed, Unknown
from api.routes.media import DIGEST, file_answer
from api.sockets.visitor_identity import VisitorIdentity
from channels import webchat
from domain.customer import Customer
from domain.interaction import ReplyWritten
from domain.media import digest_of


@command(
    "/v1/webchat/{account_id}/media/{digest}",
    None,
    takes=bytes,
    gives=None,
    key="none",
    media_type="text/plain",
    answer_media_type="*/*",
    statuses=(401, 403, 404, 429, 503),
    example='{"kind": "hello", "token": "0193a7c2.1794873600.mZ3…"}',
)
async def download_as_visitor(asked: Asked[bytes]) -> Answer:
    """Download a file that came with an answer in a web chat.

    The body is the same `hello` as the socket's, sent as text, so that a browser asks without a preflight. Whoever
    sees the answer on that socket gets the file: as an attachment, never something that a browser acts upon.
    """
    account_id, digest = asked.ids["account_id"], asked.ids["digest"]
    if not DIGEST.fullmatch(digest):
        raise Unknown
    settings = settings_of(asked.parts, account_id)
    origin = asked.header(b"origin")
    if not is_allowed(origin, settings):
        raise NotAllowed("this page is not one that the web chat belongs on")
    asked.edge.visitors_per_address.count(asked.address)
    hello = webchat.read_frame(asked.raw)
    if not isinstance(hello, webchat.Hello):
        raise Invalid("$.kind", "say hello, as on the socket")
    identity = VisitorIdentity(asked.parts, account_id, settings, hello.token)
    await identity.identify(hello)
    await identity.look_up()
    for customer_id in (identity.home.customer_id, identity.home.earlier_customer_id):
        told = await _answered(asked, customer_id, digest) if customer_id else None
        if told is not None and identity.sees(customer_id) in ("", told.handle):
            file = next(one for one in told.attachments if digest_of(one) == digest)
            also = [] if origin is None else [("access-control-allow-origin", origin), ("vary", "origin")]
            return await file_answer(asked.parts, digest, file.name, file.content_type, also)
    raise Unknown


async def _answered(asked: Asked[bytes], customer_id: str, digest: str) -> ReplyWritten | None:
    """The answer in this web chat that the file went out with."""
    account_id, log = asked.ids["account_id"], asked.parts.log
    customer: Customer
    customer, _ = await fresh_state(asked.parts, customer_id)
    conversations = [one.id for one in customer.conversations.values() if one.account_id == account_id]
    keys = [asked.parts.claim_keys.media_in(one, digest).key for one in conversations]
    for position, _ in (await log.claimed(keys) if keys else {}).values():
        told = await log.at(position)
        if told is not None and isinstance(told.event, ReplyWritten):  # or what was said has been erased
            return told.event
    return None


OPERATIONS = (download_as_visitor,)
