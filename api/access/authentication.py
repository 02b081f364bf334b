"""Who asks: people by a short-lived token, programs by a key, sockets by a ticket that opens one socket, once."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import msgspec

from api.http.refusals import SignInNeeded
from application.directory import Directory
from application.ids import new_id
from application.use_cases.set_up import key_hash
from domain.person import Person

ALGORITHM = "HS256"
KEY_PREFIX = "onethread_"
SESSION_MAX = timedelta(hours=12)
"""A session that is renewed again and again ends after this all the same: sign in anew."""
TOKEN_CHARACTERS_MAX = 2_000


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says."""

    person_id: str
    began_at: datetime
    """When they gave their password; a renewal keeps it."""


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """What a socket ticket says."""

    person_id: str
    ticket_id: str


class Tokens:
    """Makes and reads tokens signed with one key."""

    def __init__(self, token_key: bytes, token_seconds: int, ticket_seconds: int) -> None:
        self._key = token_key
        self.token_seconds = token_seconds
        self.ticket_seconds = ticket_seconds

    def session(self, person: Person, at: datetime, *, began_at: datetime | None = None) -> str:
        """A token for an account of theirs. Raises SignInNeeded once the session is too old to go on."""
        began_at = began_at or at
        if at - began_at >= SESSION_MAX:
            raise SignInNeeded("the session is over: sign in again")
        claims = {"sub": person.id, "began": int(began_at.timestamp()), "mark": password_mark(person)}
        return self.sign("session", claims, at, self.token_seconds)

    def ticket(self, person: Person, at: datetime) -> str:
        """Opens one socket, once, within a short time."""
        return self.sign("ticket", {"sub": person.id, "jti": new_id("ticket")}, at, self.ticket_seconds)

    def read_session(self, token: str, at: datetime, directory: Directory) -> tuple[Person, Session]:
        """Whose token it is, as they stand now: barred people and old passwords are out. Raises SignInNeeded."""
        claims = self.read("session", token, at)
        person = directory.person(str(claims.get("sub")))
        if person is None or claims.get("mark") != password_mark(person):
            raise SignInNeeded
        began_at = datetime.fromtimestamp(int(claims["began"]), UTC)
        return person, Session(person_id=person.id, began_at=began_at)

    def read_ticket(self, token: str, at: datetime) -> Ticket:
        """What the ticket says; that it is used only once is for the log to tell. Raises SignInNeeded."""
        claims = self.read("ticket", token, at)
        return Ticket(person_id=str(claims.get("sub")), ticket_id=str(claims.get("jti")))

    def sign(self, use: str, claims: dict[str, Any], at: datetime, valid_seconds: int) -> str:
        """A token good for that use alone."""
        issued = int(at.timestamp())
        return jwt.encode(
            {**claims, "aud": use, "iat": issued, "exp": issued + valid_seconds}, self._key, algorithm=ALGORITHM
        )

    def read(self, use: str, token: str, at: datetime) -> dict[str, Any]:
        """The claims of a token that is ours, for this use, and in time. Raises SignInNeeded."""
        if len(token) > TOKEN_CHARACTERS_MAX:
            raise SignInNeeded
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                audience=use,
                # Times are compared below, with the clock that everything else here goes by.
                options={"require": ["exp", "aud"], "verify_exp": False, "verify_iat": False},
            )
        except (jwt.PyJWTError, ValueError):
            raise SignInNeeded from None
        if not isinstance(claims["exp"], int) or at.timestamp() >= claims["exp"]:
            raise SignInNeeded("the token is out of date")
        return claims


def bearer(authorization: str | None) -> str:
    """The credential of an `Authorization: Bearer …` header. Raises SignInNeeded."""
    scheme, _, credential = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not credential:
        raise SignInNeeded
    return credential.strip()


def authenticate(authorization: str | None, at: datetime, directory: Directory, tokens: Tokens) -> Person:
    """The person or program of the Authorization header, as it stands now. Raises SignInNeeded."""
    credential = bearer(authorization)
    if credential.startswith(KEY_PREFIX):
        program = directory.by_key_hash(key_hash(credential))
        if program is None:
            raise SignInNeeded
        return program
    return tokens.read_session(credential, at, directory)[0]


def password_mark(person: Person) -> str:
    """Changes with the password, so that a new one ends the sessions of the old."""
    return hashlib.sha256(person.password_hash.encode()).hexdigest()[:16]
