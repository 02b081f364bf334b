"""The shop's channel accounts: an address and settings on each channel, as an operator would set them up."""

from api.demo.outside import Outside
from api.demo.shop import (
    AES_KEY,
    LINE_BOT,
    MAILBOX,
    PAGE,
    PHONE_NUMBER_ID,
    PROFESSIONAL_ACCOUNT,
    QUEUE_OF_CHANNEL,
    SMS_NUMBER,
    TELEGRAM_BOT,
    TWILIO_ACCOUNT,
    WEBHOOK_SECRET,
    WECHAT_ACCOUNT,
    WECHAT_APP,
    WECOM_CORP,
    WECOM_DESK,
    X_USER,
)
from domain.account import AccountDefinition

SHORT_DAY = {"sends_per_second": "50", "recipient_gap_seconds": "0"}
"""The demo's people do not wait as providers make people wait."""
ADDRESSES = {
    "email": MAILBOX,
    "whatsapp": PHONE_NUMBER_ID,
    "messenger": PAGE,
    "instagram": PROFESSIONAL_ACCOUNT,
    "telegram": TELEGRAM_BOT,
    "line": LINE_BOT,
    "wechat": WECHAT_ACCOUNT,
    "wecom": WECOM_DESK,
    "x": X_USER,
    "sms": SMS_NUMBER,
}


def definition_of(channel: str, queues: dict[str, str], outside: Outside) -> AccountDefinition:
    """The shop's account on the channel. `queues` is the id of a queue by its short name."""
    return AccountDefinition(
        channel=channel,
        name=f"Shop {channel}",
        queue_id=queues[QUEUE_OF_CHANNEL[channel]],
        address=ADDRESSES.get(channel, ""),
        settings=_settings(channel, outside),
        default_region="DE" if channel in {"phone", "sms"} else "",
    )


def _settings(channel: str, outside: Outside) -> dict[str, str]:
    sends = {"api_url": f"{outside.api_url}/{channel}"} | SHORT_DAY
    match channel:
        case "webchat":
            return {"visitor_key": WEBHOOK_SECRET * 2}
        case "email":
            server = {"smtp_host": "127.0.0.1", "smtp_port": str(outside.smtp_port), "smtp_security": "plain"}
            return {"token_key": WEBHOOK_SECRET * 2} | server
        case "whatsapp" | "messenger" | "instagram":
            return sends | {"app_secret": WEBHOOK_SECRET, "verify_token": "demo", "access_token": "demo"}
        case "telegram":
            return sends | {"secret_token": "demo_secret", "bot_token": f"{TELEGRAM_BOT}:demo"}
        case "line":
            return sends | {"channel_secret": WEBHOOK_SECRET, "access_token": "demo"}
        case "wechat":
            keys = {"token": "demo", "encoding_aes_key": AES_KEY, "app_id": WECHAT_APP, "app_secret": "demo"}
            return sends | keys
        case "wecom":
            return sends | {"token": "demo", "encoding_aes_key": AES_KEY, "corp_id": WECOM_CORP, "secret": "demo"}
        case "x":
            keys = dict.fromkeys(("consumer_key", "access_token", "access_token_secret"), "demo")
            return sends | keys | {"consumer_secret": WEBHOOK_SECRET}
        case "sms":
            return sends | {"account_sid": TWILIO_ACCOUNT, "auth_token": WEBHOOK_SECRET}
    return {}
