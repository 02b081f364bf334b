"""One account of every channel that can work."""

from domain.account import AccountDefinition
from tests.channels.mailhooks.situations import KEY
from tests.channels.mailhooks.test_proofs import SVIX_KEY
from tests.channels.posted import an_account
from tests.channels.wechat.sealed import a_wechat_account, a_wecom_account
from tests.channels.x.situations import an_x_account

META = {"app_secret": "It's a Secret to Everybody", "verify_token": "v", "access_token": "token-1"}
ACCOUNTS: dict[str, AccountDefinition] = {
    "webchat": an_account("webchat", visitor_key=KEY),
    "email": an_account(
        "email", "help@shop.example", token_key=KEY, hook_provider="resend", hook_key=SVIX_KEY, hook_api_key="re_1"
    ),
    "whatsapp": an_account("whatsapp", "1122334455667", **META),
    "messenger": an_account("messenger", "1067", **META),
    "instagram": an_account("instagram", "1784", **META),
    "telegram": an_account("telegram", "110201543", secret_token="Secret-1", bot_token="110201543:AAH"),
    "line": an_account("line", "U123", channel_secret="channel_secret", access_token="token-1"),
    "wechat": a_wechat_account(),
    "wecom": a_wecom_account(),
    "x": an_x_account(consumer_secret="key", consumer_key="ck", access_token="at", access_token_secret="ats"),
    "sms": an_account("sms", "+18005551212", account_sid="AC1", auth_token="12345"),
    "phone": an_account("phone", provider="generic", secret="key"),
    "adapter": an_account("adapter"),
}
"""By channel; the secrets are those of the samples that providers publish."""
SECRETS = {
    "email": "hook_key",
    "whatsapp": "app_secret",
    "messenger": "app_secret",
    "instagram": "app_secret",
    "telegram": "secret_token",
    "line": "channel_secret",
    "wechat": "token",
    "wecom": "token",
    "x": "consumer_secret",
    "sms": "auth_token",
    "phone": "secret",
}
"""What proves a delivery, of every channel with a webhook."""
