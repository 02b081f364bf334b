"""Who a visitor is: proven by the shop's own site with an HMAC or a signed JWT, or only said."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

import jwt
import msgspec
from jwt.types import Options

from channels.edge.payload import SignatureWrong
from channels.edge.text import one_line
from domain.account import AccountInvalid
from domain.customer import Visitor

SECRET_LENGTH_MIN = 32
CLAIM_LENGTH_MAX = 200
ALGORITHMS = ("HS256", "RS256", "ES256")
CLOCKS_APART_MAX = timedelta(seconds=60)
"""How far the clock of the shop's site may be off."""
OPTIONS: Options = {
    "require": ["exp", "sub", "aud"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}
"""PyJWT asks the machine's clock; the time is an argument here, so `_demand_in_time` looks itself."""


class Proofs(msgspec.Struct, frozen=True, kw_only=True):
    """With what an account checks proofs."""

    hmac_keys: tuple[bytes, ...] = ()
    """`identity_key`, and `identity_key_previous` while it is rolled; none: no HMAC is taken."""
    jwt_algorithm: str = ""
    """`jwt_algorithm`: the only one that is taken, so that no token chooses how it is checked (RFC 8725, 3.1)."""
    jwt_keys: tuple[str, ...] = ()
    """`jwt_key`, `jwt_key_previous`: the secret of HS256, else a public key in PEM; none: no JWT is taken."""


def read_proofs(given: Mapping[str, str]) -> Proofs:
    """From an account's settings. Raises AccountInvalid with the setting that is wrong."""
    hmac_keys, jwt_keys = _pair(given, "identity_key"), _pair(given, "jwt_key")
    algorithm = given.get("jwt_algorithm", "")
    if any(len(key) < SECRET_LENGTH_MIN for key in hmac_keys):
        raise AccountInvalid(f"settings.identity_key: a secret of at least {SECRET_LENGTH_MIN} characters")
    if jwt_keys and algorithm not in ALGORITHMS:
        raise AccountInvalid(f"settings.jwt_algorithm: one of {', '.join(ALGORITHMS)}")
    for key in jwt_keys:
        if algorithm == "HS256" and len(key) < SECRET_LENGTH_MIN:
            raise AccountInvalid(f"settings.jwt_key: a secret of at least {SECRET_LENGTH_MIN} characters")
        try:
            jwt.get_algorithm_by_name(algorithm).prepare_key(key)
        except (jwt.InvalidKeyError, ValueError, TypeError) as error:
            raise AccountInvalid(f"settings.jwt_key: no key for {algorithm}: {error}") from None
    return Proofs(hmac_keys=tuple(key.encode() for key in hmac_keys), jwt_algorithm=algorithm, jwt_keys=jwt_keys)


def prove_by_hmac(user: str, proof: str, proofs: Proofs) -> Visitor:
    """The customer whom the shop calls `user`; name and address are not part of what is proven.

    `proof` is the HMAC-SHA256 of the identifier in UTF-8, in hex, as the shop's server made it for its own page.
    Raises SignatureWrong.
    """
    if not proofs.hmac_keys:
        raise SignatureWrong("proof: this web chat has no `identity_key`")
    _demand_identifier(user)
    said, given = user.encode("utf-8", "replace"), proof.lower().encode("utf-8", "replace")
    if not any(
        hmac.compare_digest(hmac.new(key, said, hashlib.sha256).hexdigest().encode(), given) for key in proofs.hmac_keys
    ):
        raise SignatureWrong("proof: it was not made for this user")
    return Visitor(user=user, method="hmac")


def prove_by_jwt(token: str, proofs: Proofs, *, account_id: str, at: datetime) -> Visitor:
    """The customer whom the shop's token names (RFC 7519). Raises SignatureWrong.

    Example of its claims: `{"sub": "42", "aud": "account-…", "exp": 1794873600, "email": "ana@example.org",
    "name": "Ana", "phone": "+4930123456"}`; `sub`, `aud` and `exp` are demanded.
    """
    if not proofs.jwt_keys:
        raise SignatureWrong("jwt: this web chat has no `jwt_key`")
    problem = ""
    for key in proofs.jwt_keys:
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[proofs.jwt_algorithm],
                audience=account_id,
                options=OPTIONS,
            )
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            problem = problem or str(error)
            continue
        _demand_in_time(claims, at)
        user = claims["sub"]
        _demand_identifier(user)
        told = {name: _text(claims.get(name)) for name in ("name", "email", "phone")}
        return Visitor(user=user, method="jwt", **told)
    raise SignatureWrong(f"jwt: {problem}")


def claimed(*, user: str, name: str, email: str, phone: str) -> Visitor:
    """Who a visitor only says to be."""
    return Visitor(user=_text(user), name=_text(name), email=_text(email), phone=_text(phone))


def _pair(given: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(one for one in (given.get(name, ""), given.get(f"{name}_previous", "")) if one)


def _text(value: object) -> str:
    return one_line(value, length_max=CLAIM_LENGTH_MAX) if isinstance(value, str) else ""


def _demand_identifier(user: object) -> None:
    if not (isinstance(user, str) and user and len(user) <= CLAIM_LENGTH_MAX and _text(user) == user):
        raise SignatureWrong(f"user: one line of 1 to {CLAIM_LENGTH_MAX} characters")


def _demand_in_time(claims: Mapping[str, object], at: datetime) -> None:
    """Whether now is before `exp` and not before `nbf` (RFC 7519, sections 4.1.4 and 4.1.5)."""
    now, apart = at.timestamp(), CLOCKS_APART_MAX.total_seconds()
    expires, begins = claims["exp"], claims.get("nbf", 0)
    if not (_is_number(expires) and _is_number(begins)):
        raise SignatureWrong("jwt: `exp` and `nbf` are seconds since 1970")
    if now >= expires + apart:  # type: ignore[operator]  # it is a number
        raise SignatureWrong("jwt: it has expired")
    if now < begins - apart:  # type: ignore[operator]  # as above
        raise SignatureWrong("jwt: it is not valid yet")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
