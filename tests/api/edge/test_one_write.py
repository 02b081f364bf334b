"""How answers leave: in one piece each, none held back, the last before the connection closes."""

import socket

import pytest

from tests.api.deployment import WAIT_SECONDS_MAX, Deployment

ANSWERS = 20
RECEIVED_BYTES_MAX = 65_536


@pytest.fixture
def line(deployment: Deployment) -> socket.socket:
    """A connection on which nothing has been said."""
    return socket.create_connection(("127.0.0.1", deployment.port), timeout=WAIT_SECONDS_MAX)


def test_an_answer_arrives_in_one_piece(line: socket.socket) -> None:
    pieces = []

    with line:
        for _ in range(ANSWERS):
            line.sendall(b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n")
            pieces.append(line.recv(RECEIVED_BYTES_MAX))

    heads, bodies = zip(*(piece.split(b"\r\n\r\n") for piece in pieces), strict=True)
    assert all(head.startswith(b"HTTP/1.1 200") for head in heads)
    assert all(f"content-length: {len(body)}".encode() in head for head, body in zip(heads, bodies, strict=True))
    assert all(bodies)


def test_who_waits_to_be_told_to_go_on_is_told_at_once(line: socket.socket) -> None:
    with line:
        line.sendall(b"POST /v1/sessions HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        told = line.recv(RECEIVED_BYTES_MAX)
        line.sendall(b"{}")
        answer = line.recv(RECEIVED_BYTES_MAX)

    assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer.startswith(b"HTTP/1.1 400")


def test_the_last_answer_of_a_connection_is_whole(line: socket.socket) -> None:
    received = b""

    with line:
        line.sendall(b"GET /health/live HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        while piece := line.recv(RECEIVED_BYTES_MAX):
            received += piece

    head, _, body = received.partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in head
    assert body
