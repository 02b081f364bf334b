"""Connections that bring no whole request: told so where there is somebody to tell, and closed."""

import json
import socket
from contextlib import suppress

import pytest

from api import http_connection
from tests.api.deployment import Deployment

REQUEST = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"


def answer_to(deployment: Deployment, *pieces: bytes) -> bytes:
    """Everything that comes back until the server hangs up, which it may do before we have said everything."""
    received = b""
    with socket.create_connection(("127.0.0.1", deployment.port), timeout=30) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            for piece in pieces:
                connection.sendall(piece)
        with suppress(ConnectionResetError):
            while piece := connection.recv(65_536):
                received += piece
    return received


def problem_in(answer: bytes) -> tuple[int, str, list[dict[str, object]]]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    problem = json.loads(body)
    return int(head.split()[1]), problem["type"], problem["errors"]


@pytest.mark.parametrize(
    "start", [REQUEST + b"X: ", b"GET /", REQUEST + b"X: 1\r\n" * 5_000], ids=["a", "path", "many"]
)
def test_a_head_without_end_is_refused_with_its_limit(deployment: Deployment, start: bytes) -> None:
    status, slug, errors = problem_in(answer_to(deployment, start, *[b"y" * 1_000] * 400))

    assert (status, slug) == (431, "/problems/head-too-large")
    assert errors[0]["limit"] == http_connection.HEAD_BYTES_MAX


def test_a_trailer_without_end_ends_the_connection(deployment: Deployment) -> None:
    start = b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: "

    answer_to(deployment, start, *[b"y" * 60_000] * 20)


def test_what_is_no_http_is_a_problem(deployment: Deployment) -> None:
    status, slug, _ = problem_in(answer_to(deployment, b"\x16\x03\x01 hello\r\n\r\n"))

    assert (status, slug) == (400, "/problems/invalid")


@pytest.mark.parametrize("start", [b"", b"GET /health", REQUEST], ids=["nothing", "half a line", "no end"])
def test_a_head_that_does_not_come_is_not_waited_for(
    deployment: Deployment, start: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_connection, "HEAD_SECONDS_MAX", 0.05)

    assert answer_to(deployment, start) == b""


def test_a_second_head_that_does_not_come_is_not_waited_for(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_connection, "HEAD_SECONDS_MAX", 0.05)

    answer = answer_to(deployment, REQUEST + b"\r\n" + REQUEST)

    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.count(b"HTTP/1.1") == 1


def test_a_large_head_and_a_large_body_in_one_piece_are_taken(deployment: Deployment) -> None:
    headers = {"X-Large": "y" * 40_000, "Content-Type": "application/json"}

    answer = deployment.http.post("/v1/sessions", content=b'{"login": "' + b"z" * 300_000, headers=headers)

    assert answer.status_code == 400
