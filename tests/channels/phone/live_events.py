"""Live call events as Twilio, sipgate and Placetel post them, and the accounts that they come to."""

import base64
import hmac
from urllib.parse import urlencode

from msgspec.structs import replace

from channels.edge.payload import Posted
from channels.telephony import live
from domain.account import AccountDefinition
from domain.calls.intake import Call
from tests.channels.posted import an_account, posted

URL = 'https://cc.example/v1/webhooks/phone/account-1?secret=s3&a="b"'
PLACETEL_ID = "f4591ba315d81671d7a06c2a3b4f963dafd119de39cb26edd8a6476676b2f447"


def a_line(provider: str, address: str = "", **settings: str) -> AccountDefinition:
    secrets = {"account_sid": "AC1", "auth_token": "12345"} if provider == "twilio" else {"secret": "s3"}
    account = an_account("phone", address, **({"provider": provider} | secrets | settings))
    return replace(account, default_region="DE")


def a_form(**fields: str) -> Posted:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return posted(urlencode(fields).encode(), headers, {"secret": "s3"}, url=URL)


def from_sipgate(event: str, **fields: str) -> Posted:
    users = {"user[]": "Alice"} if event == "newCall" else {}
    told = {"callId": "123456", "from": "492111234567", "to": "4915791234567", "direction": "in"}
    return a_form(event=event, **(told | users | fields))


def from_twilio(status: str, **fields: str) -> Posted:
    told = {"CallSid": "CA1", "AccountSid": "AC1", "Direction": "inbound", "SequenceNumber": "3"}
    told |= {"From": "+4930901820", "To": "+4915735980000", "CallStatus": status} | fields
    signed = URL + "".join(name + told[name] for name in sorted(told))
    signature = base64.b64encode(hmac.digest(b"12345", signed.encode(), "sha1")).decode()
    return posted(urlencode(told).encode(), {"x-twilio-signature": signature}, url=URL)


def the_call(definition: AccountDefinition, delivery: Posted) -> Call:
    live.verify(definition, delivery)
    ((address, call),) = live.parse(definition, delivery).calls
    assert address == definition.address
    return call
