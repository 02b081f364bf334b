"""How mail comes in to an account: settings of a mailbox that we read by IMAP, and of a provider's hook."""

from collections.abc import Mapping

import msgspec

from domain.account import AccountInvalid

IMAP_PORTS = {"tls": 993, "starttls": 143, "none": 143}
IDLE_SECONDS_MAX = 28 * 60
"""A server may end an IDLE after 29 minutes (RFC 2177, section 3)."""
FOLDERS_MAX = 20
HOOK_PROVIDERS = ("mailgun", "sendgrid", "postmark", "ses", "resend", "generic")


class ImapAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A mailbox that is read by IMAP."""

    host: str
    port: int
    user: str
    passwords: tuple[str, ...]
    """`imap_password`, and `imap_password_previous` while it is changed."""
    security: str = "tls"
    """`tls` (from the first byte), `starttls`, or `none` for a server on the same machine."""
    folders: tuple[str, ...] = ("INBOX",)
    """A new mail shows at once in the first one, in the others when they are looked at."""
    poll_seconds: int = 60
    """How often all folders are looked at, whatever IDLE says or fails to say."""
    timeout_seconds: float = 30.0
    """For each answer of the server."""
    takes_old: bool = True
    """Whether mail that was there before the account was set up is taken in."""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "ImapAccount | None":
        """From `imap_host`, `imap_port`, `imap_user`, `imap_password`, `imap_password_previous`, `imap_security`,
        `imap_folders` (comma-separated), `imap_poll_seconds`, `imap_timeout_seconds` and `imap_old_mail` (`take` or
        `leave`); None without a host.

        Raises AccountInvalid.
        """
        if not given.get("imap_host"):
            return None
        security = given.get("imap_security", "tls")
        if security not in IMAP_PORTS:
            raise AccountInvalid(f"settings.imap_security: {security!r} is none of {', '.join(IMAP_PORTS)}")
        if not (given.get("imap_user") and given.get("imap_password")):
            raise AccountInvalid("settings.imap_user, settings.imap_password: an IMAP mailbox needs both")
        folders = tuple(one.strip() for one in given.get("imap_folders", "INBOX").split(",") if one.strip())
        if not 0 < len(folders) <= FOLDERS_MAX:
            raise AccountInvalid(f"settings.imap_folders: 1 to {FOLDERS_MAX} folders, separated by commas")
        old_mail = given.get("imap_old_mail", "take")
        if old_mail not in {"take", "leave"}:
            raise AccountInvalid(f"settings.imap_old_mail: {old_mail!r} is neither take nor leave")
        return cls(
            host=given["imap_host"],
            port=int(_number(given, "imap_port", IMAP_PORTS[security], 1, 65_535)),
            user=given["imap_user"],
            passwords=_both(given, "imap_password"),
            security=security,
            folders=folders,
            poll_seconds=int(_number(given, "imap_poll_seconds", 60, 1, IDLE_SECONDS_MAX)),
            timeout_seconds=_number(given, "imap_timeout_seconds", 30, 0.1, 300),
            takes_old=old_mail == "take",
        )


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """A provider that posts mail to us."""

    provider: str
    keys: tuple[str, ...]
    """`hook_key`, and `hook_key_previous` while it is rolled: Mailgun's HTTP webhook signing key, Resend's `whsec_…`,
    else `user:password` of the basic authentication that stands in the hook's URL."""
    public_keys: tuple[str, ...] = ()
    """`hook_public_key`, and its previous: base64, as SendGrid shows it. Then its signature is demanded too."""
    api_keys: tuple[str, ...] = ()
    """`hook_api_key`, and its previous: Resend's, to get the mail that its hook only names."""
    api_url: str = "https://api.resend.com"
    topic: str = ""
    """`hook_topic`: the only SNS topic that may speak for this account, as in `arn:aws:sns:eu-west-1:1:mail`."""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "Hook | None":
        """None without `hook_provider`. Raises AccountInvalid."""
        provider = given.get("hook_provider", "")
        if not provider:
            return None
        if provider not in HOOK_PROVIDERS:
            raise AccountInvalid(f"settings.hook_provider: {provider!r} is none of {', '.join(HOOK_PROVIDERS)}")
        hook = cls(
            provider=provider,
            keys=_both(given, "hook_key"),
            public_keys=_both(given, "hook_public_key"),
            api_keys=_both(given, "hook_api_key"),
            api_url=given.get("hook_api_url", "https://api.resend.com").rstrip("/"),
            topic=given.get("hook_topic", ""),
        )
        if any(len(key) < 16 for key in hook.keys) or not (hook.keys or (hook.public_keys and provider == "sendgrid")):
            raise AccountInvalid("settings.hook_key: a hook needs a secret of at least 16 characters")
        if provider in {"sendgrid", "postmark", "ses", "generic"} and any(":" not in key for key in hook.keys):
            raise AccountInvalid(f"settings.hook_key: with {provider} it is user:password, as in the hook's URL")
        if provider == "ses" and not hook.topic:
            raise AccountInvalid("settings.hook_topic: anybody may have a topic of their own, so name yours")
        if provider == "resend" and not hook.api_keys:
            raise AccountInvalid("settings.hook_api_key: Resend's hook only names the mail, which is fetched with it")
        return hook


def _both(given: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(value for key in (name, f"{name}_previous") if (value := given.get(key, "")))


def _number(given: Mapping[str, str], name: str, default: float, least: float, most: float) -> float:
    """Raises AccountInvalid."""
    try:
        number = float(given.get(name) or default)
    except ValueError as error:
        raise AccountInvalid(f"settings.{name}: {error}") from None
    if not least <= number <= most:
        raise AccountInvalid(f"settings.{name}: from {least} to {most}")
    return number
