"""OAuth 1.0a with HMAC-SHA1, as RFC 5849 defines it: signs requests in the name of one user."""

import base64
import hmac
from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec


class OAuth1(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, and for whom. Tokens do not expire, so nothing has to be renewed or stored."""

    consumer_key: str
    consumer_secret: str
    token: str
    token_secret: str

    def authorization(self, method: str, url: str, *, nonce: str, timestamp: int) -> str:
        """The `Authorization` header of a request whose body is not a form (RFC 5849, section 3.4.1.3.1).

        Example: `OAuth oauth_consumer_key="xvz1", oauth_nonce="7d8f", oauth_signature="hCtSmYh%2B…%3D", …`
        """
        fields = {
            "oauth_consumer_key": self.consumer_key,
            "oauth_nonce": nonce,
            "oauth_signature_method": "HMAC-SHA1",
            "oauth_timestamp": str(timestamp),
            "oauth_token": self.token,
            "oauth_version": "1.0",
        }
        fields["oauth_signature"] = self.signature(signature_text(method, url, fields.items()))
        return "OAuth " + ", ".join(f'{_escaped(name)}="{_escaped(value)}"' for name, value in sorted(fields.items()))

    def signature(self, text: str) -> str:
        """Base64 HMAC-SHA1 with both secrets (section 3.4.2)."""
        key = f"{_escaped(self.consumer_secret)}&{_escaped(self.token_secret)}".encode()
        return base64.b64encode(hmac.digest(key, text.encode(), "sha1")).decode()


def signature_text(method: str, url: str, fields: Iterable[tuple[str, str]]) -> str:
    """What is signed (section 3.4.1): method, URL without query, and all fields with the query's, sorted."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    pairs = sorted((_escaped(name), _escaped(value)) for name, value in (*fields, *query))
    normal = "&".join(f"{name}={value}" for name, value in pairs)
    host = parts.netloc.lower().removesuffix(":443" if parts.scheme == "https" else ":80")
    return "&".join(_escaped(part) for part in (method.upper(), f"{parts.scheme}://{host}{parts.path}", normal))


def _escaped(text: str) -> str:
    return quote(text, safe="-._~")
