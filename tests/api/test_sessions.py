"""Signing in: passwords, tokens, renewal, and how often somebody may try."""

import secrets
from datetime import timedelta

import pytest

from api.access.authentication import SESSION_MAX, Tokens
from api.access.passwords import Attempts, hash_password
from api.http.refusals import SignInNeeded, TooManyAttempts
from domain.person import Person, Role
from tests.api.deployment import Caller, Deployment

PASSWORD = "correct horse battery"


def admitted(administrator: Caller, deployment: Deployment, role: str = "supervisor") -> tuple[str, str]:
    """Login and id of somebody new."""
    login = f"Kim-{secrets.token_hex(4)}"
    made = administrator.done("/v1/people", {"login": login, "name": "Kim", "role": role, "password": PASSWORD})
    deployment.known(made["position"])
    return login, made["person_id"]


def sign_in(deployment: Deployment, login: str, password: str = PASSWORD) -> Caller:
    answer = deployment.anybody().ask("POST", "/v1/sessions", json={"login": login, "password": password})
    assert answer.status_code == 201, answer.text
    return Caller(deployment.http, {"Authorization": f"Bearer {answer.json()['token']}"})


def test_somebody_admitted_signs_in_whatever_the_case_of_the_login(
    deployment: Deployment, administrator: Caller
) -> None:
    login, person_id = admitted(administrator, deployment)

    me = sign_in(deployment, login).shown("/v1/me")

    assert me == {"id": person_id, "name": "Kim", "role": "supervisor", "login": login}


def test_a_login_is_taken_once_whatever_its_case(deployment: Deployment, administrator: Caller) -> None:
    login, _ = admitted(administrator, deployment)
    wanted = {"login": login.upper(), "name": "Other", "role": "agent", "password": PASSWORD}

    answer = administrator.post("/v1/people", wanted)

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/taken")


def test_nobody_learns_whether_login_or_password_was_wrong(deployment: Deployment, administrator: Caller) -> None:
    login, _ = admitted(administrator, deployment)

    answers = [
        deployment.anybody().ask("POST", "/v1/sessions", json={"login": who, "password": "wrong password"})
        for who in (login, f"nobody-{secrets.token_hex(4)}")
    ]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()


def test_too_many_attempts_on_one_login_are_stopped_even_with_the_right_password(
    deployment: Deployment, administrator: Caller
) -> None:
    login, _ = admitted(administrator, deployment)
    wrong = {"login": login, "password": "wrong password"}
    statuses = [deployment.anybody().ask("POST", "/v1/sessions", json=wrong).status_code for _ in range(10)]

    stopped = deployment.anybody().ask("POST", "/v1/sessions", json={"login": login, "password": PASSWORD})

    assert statuses == [401] * 10
    assert stopped.status_code == 429
    assert int(stopped.headers["retry-after"]) > 200


def test_a_renewed_token_is_good_and_a_key_needs_none(deployment: Deployment, administrator: Caller) -> None:
    somebody = sign_in(deployment, admitted(administrator, deployment)[0])

    renewed = somebody.done("/v1/sessions/renewal")
    key = deployment.program(Role.AUDITOR).post("/v1/sessions/renewal")

    assert Caller(deployment.http, {"Authorization": f"Bearer {renewed['token']}"}).get("/v1/me").status_code == 200
    assert key.status_code == 403


def test_a_new_password_ends_the_sessions_of_the_old(deployment: Deployment, administrator: Caller) -> None:
    login, person_id = admitted(administrator, deployment)
    somebody = sign_in(deployment, login)

    replaced = administrator.done(f"/v1/people/{person_id}/replace_password", {"password": "another long password"})
    deployment.known(replaced["position"])

    assert somebody.get("/v1/me").status_code == 401
    assert sign_in(deployment, login, "another long password").get("/v1/me").status_code == 200


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Basic a2ltOnB3", "Bearer x.y.z", "Bearer onethread_unknown", "Bearer " + "x" * 5_000],
)
def test_odd_credentials_are_refused(deployment: Deployment, authorization: str) -> None:
    assert deployment.anybody().get("/v1/me", headers={"Authorization": authorization}).status_code == 401


def test_a_ticket_is_no_token_and_a_token_no_ticket(deployment: Deployment, supervisor: Caller) -> None:
    ticket = supervisor.done("/v1/tickets")["ticket"]

    assert deployment.anybody().get("/v1/me", headers={"Authorization": f"Bearer {ticket}"}).status_code == 401


def test_a_password_too_short_is_refused_by_its_limit(administrator: Caller) -> None:
    answer = administrator.post("/v1/people", {"login": "x", "name": "x", "role": "agent", "password": "short"})

    assert answer.json()["errors"][0]["field"] == "$.password"
    assert answer.json()["errors"][0]["limit"] > 5


def test_tokens_end_and_sessions_cannot_be_renewed_for_ever(deployment: Deployment) -> None:
    now = deployment.parts.clock()
    tokens = Tokens(b"k" * 32, token_seconds=900, ticket_seconds=30)
    somebody = Person(id="person-1", role=Role.AUDITOR)

    token = tokens.session(somebody, now)

    with pytest.raises(SignInNeeded):
        tokens.read("session", token, now + timedelta(seconds=900))
    with pytest.raises(SignInNeeded):
        tokens.session(somebody, now, began_at=now - SESSION_MAX)


def test_attempts_are_counted_by_caller_and_forgotten_in_time() -> None:
    now = [0.0]
    attempts = Attempts(2, within_seconds=60, callers_max=2, clock=lambda: now[0])
    attempts.count("ana")
    attempts.count("ana")

    with pytest.raises(TooManyAttempts) as stopped:
        attempts.count("ana")
    attempts.count("ben")
    now[0] = 61.0
    attempts.count("ana")

    assert stopped.value.wait_seconds == 60


def test_a_password_is_kept_as_argon2id() -> None:
    assert hash_password(PASSWORD).startswith("$argon2id$")
