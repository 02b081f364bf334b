"""Sessions: people sign in with a password, renew their token, and get tickets for sockets."""

from typing import Annotated

import msgspec
from msgspec import Meta

from api.access.authentication import KEY_PREFIX, bearer
from api.access.permissions import Action
from api.http.answer import Answer, json_answer
from api.http.asked import Asked
from api.http.fields import NO_NUL, Name
from api.http.operation import Nothing, command, read
from api.http.refusals import NotAllowed, SignInNeeded
from domain.person import Role

WRONG = "the login or the password is wrong"
"""Never which of the two."""


class Credentials(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody signs in with."""

    login: Name
    password: Annotated[str, Meta(min_length=1, max_length=256, extra_json_schema=NO_NUL)]


class SessionToken(msgspec.Struct, frozen=True, kw_only=True):
    """Goes into `Authorization: Bearer …`."""

    token: str
    expires_in_seconds: int
    person_id: str
    role: Role
    agent_id: str | None = None


class SocketTicket(msgspec.Struct, frozen=True, kw_only=True):
    """Opens one socket, once: `/v1/socket?ticket=…`."""

    ticket: str
    expires_in_seconds: int


class Me(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who is asking."""

    id: str
    name: str
    role: Role
    login: str = ""
    agent_id: str | None = None
    account_ids: tuple[str, ...] = ()


def _session(asked: Asked[Nothing] | Asked[Credentials], token: str, person_id: str) -> Answer:
    person = asked.parts.directory.person(person_id)
    assert person is not None  # they were authenticated a moment ago
    assert person.role is not None
    return json_answer(
        SessionToken(
            token=token,
            expires_in_seconds=asked.edge.tokens.token_seconds,
            person_id=person.id,
            role=person.role,
            agent_id=person.agent_id,
        ),
        status=201,
    )


@command(
    "/v1/sessions",
    None,
    takes=Credentials,
    gives=SessionToken,
    status=201,
    key="none",
    statuses=(401, 429),
    example={"login": "kim", "password": "correct horse battery"},
)
async def begin_session(asked: Asked[Credentials]) -> Answer:
    """Sign in with a password.

    The token is good for some minutes; renew it in time. After 10 attempts on one login within 5 minutes the answer
    is 429 for a while, whether the password is right or not.
    """
    edge, given = asked.edge, asked.given
    edge.attempts_per_address.count(asked.address)
    edge.attempts_per_login.count(given.login.casefold())
    person = asked.parts.directory.by_login(given.login)
    if not await edge.passwords.fits(given.password, person.password_hash if person else "") or person is None:
        raise SignInNeeded(WRONG)
    edge.attempts_per_login.forgive(given.login.casefold())
    return _session(asked, edge.tokens.session(person, asked.at), person.id)


@command("/v1/sessions/renewal", Action.KNOW_ONESELF, gives=SessionToken, status=201, key="none")
async def renew_session(asked: Asked[Nothing]) -> Answer:
    """Renew the token.

    Takes a token that is still good and gives one that is good for longer, at most 12 hours after the password was
    given. API keys need no renewal and get 403.
    """
    credential = bearer(asked.header(b"authorization"))
    if credential.startswith(KEY_PREFIX):
        raise NotAllowed("an API key is not a session")
    tokens = asked.edge.tokens
    person, session = tokens.read_session(credential, asked.at, asked.parts.directory)
    return _session(asked, tokens.session(person, asked.at, began_at=session.began_at), person.id)


@command("/v1/tickets", Action.OPEN_SOCKET, gives=SocketTicket, status=201, key="none")
async def issue_ticket(asked: Asked[Nothing]) -> Answer:
    """Get a ticket for a socket.

    It opens one socket, once, within seconds. A browser cannot send an Authorization header with a websocket, and a
    token in an address would end up in logs.
    """
    tokens = asked.edge.tokens
    ticket = SocketTicket(ticket=tokens.ticket(asked.person, asked.at), expires_in_seconds=tokens.ticket_seconds)
    return json_answer(ticket, status=201)


@read("/v1/me", Action.KNOW_ONESELF, gives=Me)
async def read_me(asked: Asked[Nothing]) -> Answer:
    """Who am I.

    The person or program that the credential stands for, as it stands now.
    """
    person = asked.person
    assert person.role is not None  # whoever got here has one
    return json_answer(
        Me(
            id=person.id,
            name=person.name,
            role=person.role,
            login=person.login,
            agent_id=person.agent_id,
            account_ids=person.account_ids,
        )
    )


OPERATIONS = (begin_session, renew_session, issue_ticket, read_me)
