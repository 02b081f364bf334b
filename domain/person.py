"""Somebody, or some program, that may use the system: a role, and a secret kept only as a hash."""

from enum import StrEnum

import msgspec
from msgspec.structs import replace

from domain.event import Event, RuleBroken


class PersonUnknown(RuleBroken):
    """There is no such person or key."""


class PersonAlreadyThere(RuleBroken):
    """This person or key exists already."""


class Role(StrEnum):
    """What somebody may do. Each is told apart in `api/access/permissions.py`."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    ADAPTER = "adapter"


class PersonAdmitted(Event, topic="person.admitted"):
    """Somebody may sign in from now on; an agent under the agent's id."""

    login: str
    name: str
    role: Role
    password_hash: str
    """argon2id, in PHC form."""
    agent_id: str | None = None


class PasswordReplaced(Event, topic="person.password_replaced"):
    """A new password was set."""

    password_hash: str


class RoleGiven(Event, topic="person.role_given"):
    """They may now do other things than before."""

    role: Role


class PersonBarred(Event, topic="person.barred"):
    """They may no longer use the system; what they did stays theirs."""


class PersonReadmitted(Event, topic="person.readmitted"):
    """They may use it again."""


class KeyIssued(Event, topic="person.key_issued"):
    """A program got a key of its own; only its hash is kept."""

    name: str
    role: Role
    key_hash: str
    """Hex SHA-256 of the key; the key is random and long, so a slow hash would add nothing."""
    account_ids: tuple[str, ...] = ()
    """The channel accounts that an adapter may speak for; empty: all."""


class Person(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What decisions about access need to know. A program's key is a person without login."""

    id: str = ""
    login: str = ""
    name: str = ""
    role: Role | None = None
    password_hash: str = ""
    key_hash: str = ""
    agent_id: str | None = None
    account_ids: tuple[str, ...] = ()
    is_barred: bool = False


NEW = Person()


def evolve(person: Person, event: Event) -> Person:
    """Only assigns. History is not up for debate, so nothing is checked here."""
    match event:
        case PersonAdmitted():
            return replace(
                person,
                login=event.login,
                name=event.name,
                role=event.role,
                password_hash=event.password_hash,
                agent_id=event.agent_id,
            )
        case KeyIssued():
            return replace(
                person, name=event.name, role=event.role, key_hash=event.key_hash, account_ids=event.account_ids
            )
        case PasswordReplaced(password_hash=password_hash):
            return replace(person, password_hash=password_hash)
        case RoleGiven(role=role):
            return replace(person, role=role)
        case PersonBarred():
            return replace(person, is_barred=True)
        case PersonReadmitted():
            return replace(person, is_barred=False)
        case _:
            return person


def demand_known(person: Person) -> None:
    """Raises PersonUnknown."""
    if person.role is None:
        raise PersonUnknown


def admit(
    person: Person, *, login: str, name: str, role: Role, password_hash: str, agent_id: str | None = None
) -> list[Event]:
    """Raises PersonAlreadyThere."""
    if person.role is not None:
        raise PersonAlreadyThere
    return [PersonAdmitted(login=login, name=name, role=role, password_hash=password_hash, agent_id=agent_id)]


def issue_key(person: Person, *, name: str, role: Role, key_hash: str, account_ids: tuple[str, ...]) -> list[Event]:
    """Raises PersonAlreadyThere."""
    if person.role is not None:
        raise PersonAlreadyThere
    return [KeyIssued(name=name, role=role, key_hash=key_hash, account_ids=account_ids)]


def replace_password(person: Person, password_hash: str) -> list[Event]:
    """Raises PersonUnknown."""
    demand_known(person)
    return [PasswordReplaced(password_hash=password_hash)]


def give_role(person: Person, role: Role) -> list[Event]:
    """Raises PersonUnknown. The role they have is not news."""
    demand_known(person)
    return [] if person.role is role else [RoleGiven(role=role)]


def bar(person: Person) -> list[Event]:
    """Raises PersonUnknown. Barring twice is not news."""
    demand_known(person)
    return [] if person.is_barred else [PersonBarred()]


def readmit(person: Person) -> list[Event]:
    """Raises PersonUnknown. Undoes `bar`."""
    demand_known(person)
    return [PersonReadmitted()] if person.is_barred else []
