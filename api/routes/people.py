"""People and programs: who may use the system, in which role."""

from typing import Annotated

import msgspec
from msgspec import Meta

from api.access.permissions import Action
from api.http.answer import Answer, Stands, done_answer, json_answer
from api.http.asked import Asked
from api.http.fields import AccountId, AgentId, Name, Password
from api.http.known import demand_known
from api.http.operation import Nothing, command, read
from domain.person import Person, Role

SHOWN_ONCE = "The key was shown when it was issued and is kept nowhere. Issue another with a new Idempotency-Key."


class PersonWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who is to sign in with a password."""

    login: Name
    name: Name
    role: Role
    password: Password
    agent_id: AgentId | None = None
    """The agent they work as."""


class PersonStands(Stands, kw_only=True):
    """The person, and where the command led."""

    person_id: str


class KeyWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A program that is to use an API key."""

    name: Name
    role: Role
    account_ids: Annotated[list[AccountId], Meta(max_length=1_000)] = []
    """The channel accounts that an adapter may speak for; empty: all."""


class KeyStands(Stands, kw_only=True, omit_defaults=True):
    """The new key. This is the only time it is shown."""

    person_id: str
    key: str = ""
    """Goes into `Authorization: Bearer …`. Absent in the answer to a repeat."""
    notice: str = ""


class NewPassword(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The password from now on."""

    password: Password


class RoleWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The role from now on."""

    role: Role


class PersonShown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody, or some program. Never with a hash of anything."""

    id: str
    name: str
    role: Role | None
    login: str = ""
    """Empty for a program."""
    agent_id: str | None = None
    account_ids: tuple[str, ...] = ()
    is_barred: bool = False


class PeopleShown(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody, the barred too."""

    items: list[PersonShown]


def _shown(person: Person) -> PersonShown:
    return PersonShown(
        id=person.id,
        name=person.name,
        role=person.role,
        login=person.login,
        agent_id=person.agent_id,
        account_ids=person.account_ids,
        is_barred=person.is_barred,
    )


@read("/v1/people", Action.READ_PEOPLE, gives=PeopleShown)
async def list_people(asked: Asked[Nothing]) -> Answer:
    """Everybody who may use the system, or once could.

    As this process knows them, by name. A few thousand at most, so they come in one page.
    """
    people = sorted(asked.parts.directory.people.values(), key=lambda one: (one.name, one.id))
    return json_answer(PeopleShown(items=[_shown(person) for person in people]))


@command(
    "/v1/people",
    Action.ADMIT_PEOPLE,
    takes=PersonWanted,
    gives=PersonStands,
    status=201,
    statuses=(404,),
    example={"login": "kim", "name": "Kim", "role": "supervisor", "password": "correct horse battery"},
)
async def admit(asked: Asked[PersonWanted]) -> Answer:
    """Admit somebody who signs in with a password.

    A login name is taken once, for ever, whatever its case: 409 where somebody has it.
    """
    given = asked.given
    if given.agent_id is not None:
        await demand_known(asked.parts, given.agent_id)
    done, person_id = await asked.parts.set_up.admit(
        asked.command,
        login=given.login,
        name=given.name,
        role=given.role,
        password_hash=await asked.edge.passwords.hash(given.password),
        agent_id=given.agent_id,
    )
    return done_answer(done, PersonStands(position=done.position, person_id=person_id), status=201)


@command(
    "/v1/people/keys",
    Action.ADMIT_PEOPLE,
    takes=KeyWanted,
    gives=KeyStands,
    status=201,
    statuses=(404,),
    example={"name": "Marketplace adapter", "role": "adapter"},
)
async def issue_key(asked: Asked[KeyWanted]) -> Answer:
    """Issue an API key to a program.

    The key is shown this once: only its hash is kept. A repeat with the same Idempotency-Key names the same program
    but cannot show the key again, and says so.
    """
    given = asked.given
    for account_id in given.account_ids:
        await demand_known(asked.parts, account_id)
    done, person_id, key = await asked.parts.set_up.issue_key(
        asked.command, name=given.name, role=given.role, account_ids=tuple(given.account_ids)
    )
    if done.is_repeat:
        return done_answer(done, KeyStands(position=done.position, person_id=person_id, notice=SHOWN_ONCE), 201)
    return done_answer(done, KeyStands(position=done.position, person_id=person_id, key=key), 201)


@command(
    "/v1/people/{person_id}/replace_password",
    Action.ADMIT_PEOPLE,
    takes=NewPassword,
    example={"password": "correct horse battery"},
)
async def replace_password(asked: Asked[NewPassword]) -> Answer:
    """Set a new password.

    Sessions that began with the old one end at once.
    """
    password_hash = await asked.edge.passwords.hash(asked.given.password)
    return done_answer(await asked.parts.set_up.replace_password(asked.command, asked.ids["person_id"], password_hash))


@command("/v1/people/{person_id}/give_role", Action.ADMIT_PEOPLE, takes=RoleWanted, example={"role": "supervisor"})
async def give_role(asked: Asked[RoleWanted]) -> Answer:
    """Give somebody another role.

    It takes effect at once, on open sockets too.
    """
    return done_answer(await asked.parts.set_up.give_role(asked.command, asked.ids["person_id"], asked.given.role))


@command("/v1/people/{person_id}/bar", Action.ADMIT_PEOPLE)
async def bar(asked: Asked[Nothing]) -> Answer:
    """Bar somebody, or take a program's key away.

    They are out at once, from open sockets too; an agent is signed out, so that their work goes back to the queues.
    What they did stays theirs; `readmit` undoes it.
    """
    return done_answer(await asked.parts.set_up.bar(asked.command, asked.ids["person_id"]))


@command("/v1/people/{person_id}/readmit", Action.ADMIT_PEOPLE)
async def readmit(asked: Asked[Nothing]) -> Answer:
    """Undo `bar`."""
    return done_answer(await asked.parts.set_up.readmit(asked.command, asked.ids["person_id"]))


OPERATIONS = (list_people, admit, issue_key, replace_password, give_role, bar, readmit)
