"""The settings of every channel, as an operator enters them: what each is, whether it is a secret, and its default.

A test holds these names against those that each channel's `read_settings` asks for, so that neither can be ahead.
"""

from enum import StrEnum

import msgspec

from channels import instagram, line, sms, telegram, wechat, wecom, x
from channels.edge import graph

PREVIOUS = "_previous"
"""Ends the name under which the older of two secrets stays believed while it is rolled."""


class Need(StrEnum):
    """What an account lacks without the setting."""

    ALWAYS = "needed"
    TO_SEND = "to send"
    OPTIONAL = "optional"


class Setting(msgspec.Struct, frozen=True):
    """One entry of an account's `settings`, or its address."""

    name: str
    meaning: str
    need: Need = Need.OPTIONAL
    default: str = ""
    is_secret: bool = False
    is_rolled: bool = False
    """There is one with `_previous` at the end of its name too."""


def _secret(name: str, meaning: str, need: Need = Need.ALWAYS, *, is_rolled: bool = True) -> Setting:
    return Setting(name, meaning, need, is_secret=True, is_rolled=is_rolled)


def _address(meaning: str) -> Setting:
    return Setting("address", meaning, Need.ALWAYS)


def _api(default: str) -> Setting:
    return Setting("api_url", "where its API answers", default=default)


def _meta(address: str, api_url: str = graph.API_URL) -> tuple[Setting, ...]:
    return (
        _address(address),
        _secret("app_secret", "the app's, which signs deliveries"),
        _secret("verify_token", "any text; enter the same where the webhook is set up", is_rolled=False),
        _secret("access_token", "one that does not expire, as of a system user", Need.TO_SEND, is_rolled=False),
        _api(api_url),
    )


def _tencent(receiver: str, meaning: str) -> tuple[Setting, ...]:
    return (
        _secret("token", "any letters and digits; enter the same where the server is set up"),
        _secret("encoding_aes_key", "EncodingAESKey of that page, 43 characters; choose safe mode (安全模式)"),
        Setting(receiver, meaning, Need.ALWAYS),
    )


SMTP = (
    Setting("smtp_host", "the mail server that takes replies", Need.TO_SEND),
    Setting("smtp_port", "its port", default="587, 465 or 25 by smtp_security"),
    Setting("smtp_security", "starttls, tls or plain", default="starttls"),
    Setting("smtp_username", "empty where it asks for none"),
    _secret("smtp_password", "of that user", Need.OPTIONAL),
    Setting("smtp_timeout_seconds", "for each of its answers", default="30"),
    Setting("bounce_address", "bounce@ at a domain whose mail comes in here"),
)
IMAP = (
    Setting("imap_host", "a mailbox that is read by IMAP"),
    Setting("imap_port", "its port", default="993 or 143 by imap_security"),
    Setting("imap_user", "who signs in; needed with imap_host"),
    _secret("imap_password", "needed with imap_host", Need.OPTIONAL),
    Setting("imap_security", "tls, starttls or none", default="tls"),
    Setting("imap_folders", "separated by commas", default="INBOX"),
    Setting("imap_poll_seconds", "between two looks, whatever IDLE says", default="60"),
    Setting("imap_timeout_seconds", "for each of its answers", default="30"),
    Setting("imap_old_mail", "take or leave what was there before", default="take"),
)
MAIL_HOOK = (
    Setting("hook_provider", "who posts mail: mailgun, sendgrid, postmark, ses, resend or generic"),
    _secret("hook_key", "its signing key, or user:password as in the hook's URL", Need.OPTIONAL),
    Setting("hook_public_key", "SendGrid's verification key", is_rolled=True),
    _secret("hook_api_key", "Resend's, to fetch what its hook names", Need.OPTIONAL),
    Setting("hook_api_url", "where that is fetched", default="https://api.resend.com"),
    Setting("hook_topic", "SES: the one SNS topic that may speak for it"),
)
SETTINGS: dict[str, tuple[Setting, ...]] = {
    "webchat": (
        _secret("visitor_key", "32 characters or more; signs visitors' tokens"),
        Setting("origins", "pages that may embed the chat, separated by spaces"),
        _secret("identity_key", "32 characters or more; your site proves by HMAC who is signed in", Need.OPTIONAL),
        Setting("jwt_algorithm", "HS256, RS256 or ES256, where your site proves it by JWT"),
        _secret("jwt_key", "the secret of HS256, else the public key in PEM", Need.OPTIONAL),
        Setting("visitor_file_bytes_max", "of a file from a visitor, up to 25000000; 0: none", default="10000000"),
        Setting("handover_account", "the e-mail account that mails replies to visitors who have left"),
        Setting("handover_minutes", "how long a reply waits for its visitor before it is mailed", default="5"),
    ),
    "email": (
        _address("the mailbox, as in help@shop.example"),
        _secret("token_key", "32 characters or more; signs reply addresses and Message-IDs"),
        Setting("authserv_id", "how your own mail server names itself in Authentication-Results"),
        Setting(
            "forwarders", "colleagues whose forwards are of whoever wrote first, comma-separated; needs authserv_id"
        ),
        *SMTP,
        *IMAP,
        *MAIL_HOOK,
    ),
    "whatsapp": (
        *_meta("the phone number id, as in 1122334455667"),
        Setting("waba_id", "the WhatsApp Business Account's id; with it agents see what templates say"),
    ),
    "messenger": _meta("the page's id"),
    "instagram": (
        *_meta("the id of the professional account", f"{graph.API_URL}, or graph.instagram.com by login"),
        Setting("login", " or ".join(instagram.API_URLS), default="facebook"),
        Setting("page_id", "the page that sends, with login facebook", default="me"),
    ),
    "telegram": (
        _address("the bot's id: the digits before the colon of its token"),
        _secret("secret_token", "as given to setWebhook, 1 to 256 of A-Z a-z 0-9 _ -"),
        _secret("bot_token", "BotFather's, as in 110201543:AAH…", Need.TO_SEND, is_rolled=False),
        _api(telegram.API_URL),
    ),
    "line": (
        _address("the bot's user id, U and 32 hexadecimal digits"),
        _secret("channel_secret", "of the Messaging API channel"),
        _secret("access_token", "a long-lived channel access token", Need.TO_SEND, is_rolled=False),
        _api(line.API_URL),
        Setting("media_url", "where files are fetched", default=line.MEDIA_URL),
    ),
    "wechat": (
        _address("the original id, as in gh_123456789abc"),
        *_tencent("app_id", "the AppID, as in wx5823bf96d3bd56c7"),
        _secret("app_secret", "the AppSecret", Need.TO_SEND, is_rolled=False),
        _api(wechat.API_URL),
    ),
    "wecom": (
        _address("the open_kfid of the customer service account"),
        *_tencent("corp_id", "the corp's id"),
        _secret("secret", "of the customer service, which also fetches messages", is_rolled=False),
        _api(wecom.API_URL),
    ),
    "x": (
        _address("our user id, digits"),
        _secret("consumer_secret", "the app's, which signs deliveries"),
        Setting("consumer_key", "the app's", Need.TO_SEND),
        Setting("access_token", "our user's", Need.TO_SEND),
        _secret("access_token_secret", "our user's", Need.TO_SEND, is_rolled=False),
        _api(x.API_URL),
    ),
    "sms": (
        _address("the number, as in +4915735980000, or a Messaging Service MG…"),
        Setting("account_sid", "Twilio's, AC and 32 hexadecimal digits", Need.ALWAYS),
        _secret("auth_token", "that account's; signs deliveries and sends"),
        Setting("status_callback_url", "the hook address, to hear what became of a message"),
        _api(sms.API_URL),
    ),
    "phone": (
        Setting("provider", "whose live call events come in: twilio, sipgate, placetel or generic"),
        _secret("secret", "in the hook's URL, or the key of its signature", Need.OPTIONAL),
        Setting("account_sid", "Twilio's account or subaccount, as in AC…"),
        _secret("auth_token", "of that account", Need.OPTIONAL),
        Setting("own_numbers", "yours, separated by commas: who calls from one of them is you"),
        Setting("agents", "whose screens show a call that rings there: 204=agent-…, w0=agent-…"),
    ),
    "adapter": (),
}
"""By channel, those that are needed first."""
EVERYWHERE = (
    Setting("silent_after_minutes", "raise an alarm when nothing came in for so long"),
    Setting("sends_per_second", "in place of the channel's own rate"),
    Setting("recipient_gap_seconds", "between two messages to one person"),
    Setting("sends_at_once", "under way at the same time"),
    Setting("retry_for_seconds", "until a reply that is not taken is given up"),
)
"""What an account of any channel may have besides."""


def names_of(channel: str) -> set[str]:
    """Every name that may stand in `settings` for the channel itself, previous secrets included."""
    mine = [one for one in SETTINGS[channel] if one.name != "address"]
    return {one.name for one in mine} | {f"{one.name}{PREVIOUS}" for one in mine if one.is_rolled}
