"""Proofs of mail providers, held against the examples that they or their own libraries publish."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from channels.edge.payload import Posted, SignatureWrong
from channels.mail.arriving import hooks
from channels.mail.arriving.proofs import demand_mailgun, demand_password, demand_sendgrid, demand_svix
from tests.channels.mailhooks.situations import BASIC, MAIL, NOON, USER, a_form, a_post, an_account

# Of Rails' tests of its Mailgun ingress.
MAILGUN_KEY = "tbsy84uSV1Kt3ZJZELY2TmShPRs91E3yL4tzf96297vBCkDWgL"
MAILGUN_AT = datetime.fromtimestamp(1539112500, UTC)
MAILGUN_FORM = {
    "timestamp": b"1539112500",
    "token": b"7VwW7k6Ak7zcTwoSoNm7aTtbk1g67MKAnsYLfUB7PdszbgR5Xi",
    "signature": b"ef24c5225322217bb065b80bb54eb4f9206d764e3e16abab07f0a64d1cf477cc",
}
# Of Svix's documentation, "Verifying webhooks manually".
SVIX_KEY = "whsec_plJ3nmyCDGBKInavdOK15jsl"
SVIX_AT = datetime.fromtimestamp(1731705121, UTC)
SVIX_BODY = b'{"event_type":"ping","data":{"success":true}}'
SVIX_HEADERS = {
    "svix-id": "msg_loFOjxBNrRLzqYUf",
    "svix-timestamp": "1731705121",
    "svix-signature": "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
}
# Of SendGrid's own Python library.
SENDGRID_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc"
    "6wEA3F+g=="
)
SENDGRID_HEADERS = {
    "x-twilio-email-event-webhook-signature": (
        "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
    ),
    "x-twilio-email-event-webhook-timestamp": "1600112502",
}
SENDGRID_EVENT = {
    "email": "hello@world.com",
    "event": "dropped",
    "reason": "Bounced Address",
    "sg_event_id": "ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",
    "sg_message_id": "LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",
    "smtp-id": "<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>",
    "timestamp": 1600112492,
}
SENDGRID_BODY = json.dumps([SENDGRID_EVENT], sort_keys=True, separators=(",", ":")).encode() + b"\r\n"


def svix_post(body: bytes = SVIX_BODY, *, at: datetime = SVIX_AT, **changes: str) -> Posted:
    headers = SVIX_HEADERS | {name.replace("_", "-"): value for name, value in changes.items()}
    return Posted(raw=body, received_at=at, headers=headers)


def test_the_published_signature_of_mailgun_is_right_and_a_flipped_byte_is_not() -> None:
    demand_mailgun(MAILGUN_FORM, [MAILGUN_KEY], at=MAILGUN_AT)

    for name in MAILGUN_FORM:
        flipped = MAILGUN_FORM | {name: bytes([MAILGUN_FORM[name][0] ^ 1]) + MAILGUN_FORM[name][1:]}
        with pytest.raises(SignatureWrong):
            demand_mailgun(flipped, [MAILGUN_KEY], at=MAILGUN_AT)


@pytest.mark.parametrize("missing", list(MAILGUN_FORM))
def test_a_mailgun_form_without_a_field_is_refused(missing: str) -> None:
    form = {name: value for name, value in MAILGUN_FORM.items() if name != missing}

    with pytest.raises(SignatureWrong):
        demand_mailgun(form, [MAILGUN_KEY], at=MAILGUN_AT)


def test_mailgun_may_be_late_by_its_retries_and_no_more() -> None:
    demand_mailgun(MAILGUN_FORM, [MAILGUN_KEY], at=MAILGUN_AT + timedelta(hours=8))

    with pytest.raises(SignatureWrong):
        demand_mailgun(MAILGUN_FORM, [MAILGUN_KEY], at=MAILGUN_AT + timedelta(hours=13))


def test_the_published_signature_of_svix_is_right_also_among_others_and_with_a_rolled_key() -> None:
    demand_svix(svix_post(), [SVIX_KEY])
    demand_svix(svix_post(svix_signature=f"v1,AAAA v2,xx {SVIX_HEADERS['svix-signature']}"), ["whsec_bmV3", SVIX_KEY])


@pytest.mark.parametrize(
    "posted",
    [
        svix_post(SVIX_BODY + b" "),
        svix_post(b'{"data":{"success":true},"event_type":"ping"}'),
        svix_post(svix_id="msg_other"),
        svix_post(svix_id=""),
        svix_post(svix_timestamp="1731705122"),
        svix_post(svix_signature=""),
        svix_post(svix_signature="v2,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="),
        svix_post(svix_signature="v1,ü"),
        svix_post(at=SVIX_AT + timedelta(minutes=6)),
    ],
)
def test_anything_else_than_what_svix_signed_is_refused(posted: Posted) -> None:
    with pytest.raises(SignatureWrong):
        demand_svix(posted, [SVIX_KEY])


def test_a_svix_signature_over_an_emoji_is_right() -> None:
    body = '{"subject": "😀"}'.encode()
    key = base64.b64decode(SVIX_KEY.removeprefix("whsec_"))
    signed = b"msg_loFOjxBNrRLzqYUf.1731705121." + body
    signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()

    demand_svix(svix_post(body, svix_signature=f"v1,{signature}"), [SVIX_KEY])


def test_the_published_signature_of_sendgrid_is_right_and_nothing_else_is() -> None:
    whole = Posted(raw=SENDGRID_BODY, received_at=NOON, headers=SENDGRID_HEADERS)
    demand_sendgrid(whole, ["bm8ga2V5", SENDGRID_KEY])

    for raw, headers, keys in (
        (SENDGRID_BODY.strip(), SENDGRID_HEADERS, [SENDGRID_KEY]),
        (SENDGRID_BODY, {}, [SENDGRID_KEY]),
        (SENDGRID_BODY, SENDGRID_HEADERS | {"x-twilio-email-event-webhook-timestamp": "1"}, [SENDGRID_KEY]),
        (SENDGRID_BODY, SENDGRID_HEADERS, ["bm8ga2V5"]),
    ):
        with pytest.raises(SignatureWrong):
            demand_sendgrid(Posted(raw=raw, received_at=NOON, headers=dict(headers)), keys)


@pytest.mark.parametrize("header", ["", "Basic", "Basic !", "Bearer x", BASIC.lower(), BASIC[:-2], "Basic \udcff"])
def test_a_wrong_password_is_refused(header: str) -> None:
    demand_password(a_post(b"", authorization=BASIC), ["new:a password of its own", USER])

    with pytest.raises(SignatureWrong):
        demand_password(a_post(b"", authorization=header), [USER])


def test_an_account_without_a_hook_takes_no_post() -> None:
    with pytest.raises(SignatureWrong, match="hook_provider"):
        hooks.verify(an_account(""), a_post(MAIL, "message/rfc822", authorization=BASIC))


def test_sendgrid_proves_itself_by_what_the_account_has_set() -> None:
    signed_only = an_account("sendgrid", hook_key="", hook_public_key=SENDGRID_KEY)
    both = an_account("sendgrid", hook_public_key=SENDGRID_KEY)
    given = SENDGRID_HEADERS
    posted = Posted(raw=SENDGRID_BODY, received_at=NOON, headers=dict(given))

    hooks.verify(signed_only, posted)
    hooks.verify(both, Posted(raw=SENDGRID_BODY, received_at=NOON, headers={**given, "authorization": BASIC}))
    with pytest.raises(SignatureWrong):
        hooks.verify(both, posted)
    with pytest.raises(SignatureWrong):
        hooks.verify(both, a_form({}, authorization=BASIC))


def test_what_is_no_form_is_not_from_mailgun() -> None:
    with pytest.raises(SignatureWrong):
        hooks.verify(an_account("mailgun", hook_key=MAILGUN_KEY), a_post(b"{}", at=MAILGUN_AT))
