"""Who may use the system."""

import pytest

from domain import person
from domain.agent import AgentSignedIn
from domain.person import (
    KeyIssued,
    PasswordReplaced,
    Person,
    PersonAdmitted,
    PersonAlreadyThere,
    PersonBarred,
    PersonReadmitted,
    PersonUnknown,
    Role,
    RoleGiven,
)

HASH = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA"
ADMISSION = PersonAdmitted(login="mei", name="Mei", role=Role.AGENT, password_hash=HASH, agent_id="agent-mei")
KEY = KeyIssued(name="Mail gateway", role=Role.ADAPTER, key_hash="00ff", account_ids=("account-mail",))


def mei() -> Person:
    return person.evolve(person.NEW, ADMISSION)


def a_barred_person() -> Person:
    return person.evolve(mei(), PersonBarred())


def test_somebody_is_admitted() -> None:
    events = person.admit(
        person.NEW, login="mei", name="Mei", role=Role.AGENT, password_hash=HASH, agent_id="agent-mei"
    )

    assert events == [ADMISSION]
    assert mei() == Person(login="mei", name="Mei", role=Role.AGENT, password_hash=HASH, agent_id="agent-mei")


def test_a_key_is_issued() -> None:
    events = person.issue_key(
        person.NEW, name="Mail gateway", role=Role.ADAPTER, key_hash="00ff", account_ids=("account-mail",)
    )

    assert events == [KEY]
    assert person.evolve(person.NEW, KEY) == Person(
        name="Mail gateway", role=Role.ADAPTER, key_hash="00ff", account_ids=("account-mail",)
    )


def test_nobody_is_admitted_twice() -> None:
    with pytest.raises(PersonAlreadyThere):
        person.admit(mei(), login="mei", name="Mei", role=Role.AGENT, password_hash=HASH)
    with pytest.raises(PersonAlreadyThere):
        person.issue_key(mei(), name="Mei", role=Role.AGENT, key_hash="00ff", account_ids=())


def test_a_password_is_replaced() -> None:
    events = person.replace_password(mei(), "$argon2id$other")

    assert events == [PasswordReplaced(password_hash="$argon2id$other")]
    assert person.evolve(mei(), events[0]).password_hash == "$argon2id$other"


def test_another_role_is_given() -> None:
    events = person.give_role(mei(), Role.SUPERVISOR)

    assert events == [RoleGiven(role=Role.SUPERVISOR)]
    assert person.evolve(mei(), events[0]).role is Role.SUPERVISOR


def test_the_role_they_have_is_ignored() -> None:
    events = person.give_role(mei(), Role.AGENT)

    assert events == []


def test_a_person_is_barred() -> None:
    events = person.bar(mei())

    assert events == [PersonBarred()]
    assert a_barred_person().is_barred


def test_barring_twice_is_ignored() -> None:
    events = person.bar(a_barred_person())

    assert events == []


def test_a_barred_person_is_readmitted() -> None:
    events = person.readmit(a_barred_person())

    assert events == [PersonReadmitted()]
    assert person.evolve(a_barred_person(), events[0]) == mei()


def test_readmitting_who_is_not_barred_is_ignored() -> None:
    events = person.readmit(mei())

    assert events == []


def test_a_stranger_has_nothing_to_change() -> None:
    with pytest.raises(PersonUnknown):
        person.replace_password(person.NEW, HASH)
    with pytest.raises(PersonUnknown):
        person.give_role(person.NEW, Role.AGENT)
    with pytest.raises(PersonUnknown):
        person.bar(person.NEW)
    with pytest.raises(PersonUnknown):
        person.readmit(person.NEW)


def test_an_event_of_another_kind_changes_nothing() -> None:
    assert person.evolve(mei(), AgentSignedIn()) == mei()
