"""The markup of a customer's message, made fit to be shown: the timeline holds the text only."""

from typing import Any

from api.access.ownership import demand_customer
from api.access.permissions import Action
from api.http.answer import Answer
from api.http.asked import Asked
from api.http.operation import Nothing, read
from api.http.refusals import Unknown
from channels.mail.html import CONTENT_SECURITY_POLICY, sanitised
from domain.interaction import MessageContradicted, MessageReceived

POSITION_DIGITS_MAX = 16
HTML = "text/html; charset=utf-8"


@read("/v1/customers/{customer_id}/messages/{position}/html", Action.READ_CUSTOMERS, gives=None, answer_media_type=HTML)
async def read_markup(asked: Asked[Nothing]) -> Answer:
    """A message's markup, sanitised.

    No scripts, styles, forms or frames. Images from elsewhere have their address in `data-remote-src` and are not
    fetched; those of the mail itself are `cid:` references to its attachments. Show it in a frame of its own: it comes
    with a Content-Security-Policy that lets it do nothing. 404 for a message without markup.
    """
    customer_id = asked.ids["customer_id"]
    await demand_customer(asked, customer_id)
    html = await _markup(asked, customer_id)
    headers = (("content-security-policy", CONTENT_SECURITY_POLICY), ("referrer-policy", "no-referrer"))
    return Answer(200, sanitised(html).encode(), headers, HTML)


async def _markup(asked: Asked[Any], customer_id: str) -> str:
    """Raises Unknown."""
    digits = asked.ids["position"]
    if not (digits.isascii() and digits.isdigit() and len(digits) <= POSITION_DIGITS_MAX):
        raise Unknown
    recorded = await asked.parts.log.at(int(digits))
    is_theirs = recorded is not None and recorded.stream == customer_id
    event = recorded.event if recorded is not None and is_theirs else None
    if not isinstance(event, MessageReceived | MessageContradicted) or not event.content.html:
        raise Unknown("there is no markup at this position")
    return event.content.html


OPERATIONS = (read_markup,)
