"""Web chat: what proves who a visitor is, and what does not."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from channels.chat.identity import Proofs, prove_by_hmac, prove_by_jwt, read_proofs
from channels.edge.payload import SignatureWrong
from domain.account import AccountInvalid
from domain.customer import Visitor

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY, OLD_KEY = "k" * 32, "o" * 32
CLAIMS: dict[str, Any] = {"sub": "42", "aud": "account-1", "exp": int(NOON.timestamp()) + 60}


def read(token: str, proofs: Proofs, at: datetime = NOON) -> Visitor:
    return prove_by_jwt(token, proofs, account_id="account-1", at=at)


def with_secret() -> Proofs:
    return read_proofs({"jwt_algorithm": "HS256", "jwt_key": KEY, "jwt_key_previous": OLD_KEY})


def a_pair(algorithm: str) -> tuple[Any, str]:
    """A private key and its public half in PEM."""
    private: Any = (
        ec.generate_private_key(ec.SECP256R1())
        if algorithm == "ES256"
        else rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    )
    format_ = serialization.PublicFormat.SubjectPublicKeyInfo
    return private, private.public_key().public_bytes(serialization.Encoding.PEM, format_).decode()


def test_a_known_hmac_proves_the_identifier() -> None:
    proofs = read_proofs({"identity_key": "what a secret that nobody knows!"})

    # `printf 42 | openssl dgst -sha256 -hmac 'what a secret that nobody knows!'`
    proof = "83f310c4975e47d946e1ee77291bca6ec479714dee18556649da9a6d6dcebdf6"

    assert prove_by_hmac("42", proof, proofs) == Visitor(user="42", method="hmac")
    assert prove_by_hmac("42", proof.upper(), proofs) == Visitor(user="42", method="hmac")


@pytest.mark.parametrize("key", [KEY, OLD_KEY])
def test_both_keys_hold_while_one_is_rolled(key: str) -> None:
    proofs = read_proofs({"identity_key": KEY, "identity_key_previous": OLD_KEY})
    proof = hmac.new(key.encode(), "李娜".encode(), hashlib.sha256).hexdigest()

    assert prove_by_hmac("李娜", proof, proofs).user == "李娜"
    assert read(jwt.encode(CLAIMS, key, "HS256"), with_secret()).user == "42"


@pytest.mark.parametrize(("user", "proof"), [("42", ""), ("42", "ü"), ("42", "0" * 64), ("", ""), ("a\nb", "")])
def test_an_hmac_of_another_is_refused(user: str, proof: str) -> None:
    right = hmac.new(KEY.encode(), user.encode(), hashlib.sha256).hexdigest()
    given = right if not user.isalnum() else proof

    with pytest.raises(SignatureWrong):
        prove_by_hmac(user, given, read_proofs({"identity_key": KEY}))


def test_without_a_key_nothing_is_proven() -> None:
    with pytest.raises(SignatureWrong, match="identity_key"):
        prove_by_hmac("42", hmac.new(b"", b"42", hashlib.sha256).hexdigest(), Proofs())
    with pytest.raises(SignatureWrong, match="jwt_key"):
        read(jwt.encode(CLAIMS, KEY, "HS256"), Proofs())


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_token_signed_with_a_private_key_proves_all_that_it_says(algorithm: str) -> None:
    private, public = a_pair(algorithm)
    proofs = read_proofs({"jwt_algorithm": algorithm, "jwt_key": public})
    claims = {**CLAIMS, "name": "Ana\u202e", "email": "ana@example.org", "phone": "+4930123456"}

    who = read(jwt.encode(claims, private, algorithm), proofs)

    assert who == Visitor(user="42", name="Ana", email="ana@example.org", phone="+4930123456", method="jwt")


@pytest.mark.parametrize(
    "claims",
    [
        {**CLAIMS, "aud": "account-2"},
        {**CLAIMS, "exp": int(NOON.timestamp()) - 61},
        {**CLAIMS, "exp": True},
        {**CLAIMS, "nbf": int(NOON.timestamp()) + 61},
        {**CLAIMS, "sub": ""},
        {**CLAIMS, "sub": "x" * 201},
        {name: value for name, value in CLAIMS.items() if name != "exp"},
        {name: value for name, value in CLAIMS.items() if name != "aud"},
        {name: value for name, value in CLAIMS.items() if name != "sub"},
    ],
)
def test_a_token_for_others_or_another_time_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(SignatureWrong):
        read(jwt.encode(claims, KEY, "HS256"), with_secret())


def test_a_token_does_not_choose_how_it_is_checked() -> None:
    private, _ = a_pair("RS256")
    unsigned = jwt.encode(CLAIMS, "", "none")

    for token in (unsigned, jwt.encode(CLAIMS, private, "RS256"), jwt.encode(CLAIMS, KEY * 2, "HS512"), "", "a.b.c"):
        with pytest.raises(SignatureWrong):
            read(token, with_secret())


def test_clocks_may_be_a_minute_apart() -> None:
    token = jwt.encode({**CLAIMS, "nbf": int(NOON.timestamp())}, KEY, "HS256")

    for at in (NOON - timedelta(seconds=59), NOON + timedelta(seconds=119)):
        assert read(token, with_secret(), at).user == "42"


@pytest.mark.parametrize(
    "settings",
    [
        {"identity_key": "short"},
        {"identity_key": KEY, "identity_key_previous": "short"},
        {"jwt_key": KEY},
        {"jwt_algorithm": "none", "jwt_key": KEY},
        {"jwt_algorithm": "HS256", "jwt_key": "short"},
        {"jwt_algorithm": "RS256", "jwt_key": KEY},
        {"jwt_algorithm": "HS256", "jwt_key": "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0C\n-----END PUBLIC KEY-----"},
    ],
)
def test_keys_that_cannot_work_are_refused_when_the_account_is_defined(settings: dict[str, str]) -> None:
    with pytest.raises(AccountInvalid):
        read_proofs(settings)
