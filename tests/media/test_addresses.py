"""Where the getter goes: every spelling of a wrong place is refused before anything is sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.exchange.media import MediaRefused, Why
from infrastructure.media.addresses import demand_public, demand_target

HOSTS = ("graph.example", ".fbcdn.example")

NASTY = [
    "http://graph.example/a",
    "ftp://graph.example/a",
    "file:///etc/passwd",
    "graph.example/a",
    "//graph.example/a",
    "",
    "https://",
    "https:///a",
    "https://graph.example@evil.example/a",
    "https://evil.example#@graph.example/a",
    "https://user@graph.example/a",
    "https://user:password@graph.example/a",
    "https://graph.example\\@evil.example/a",
    "https://evil.example\\.graph.example/a",
    "https://evil.example/graph.example",
    "https://graph.example.evil.example/a",
    "https://notgraph.example/a",
    "https://sub.graph.example/a",
    "https://fbcdn.example/a",
    "https://evilfbcdn.example/a",
    "https://.fbcdn.example/a",
    "https://graph.example./a",
    "https://graph.example../a",
    "https://graph.example:80/a",
    "https://graph.example:8443/a",
    "https://graph.example:0/a",
    "https://graph.example:65536/a",
    "https://graph.example:\uff14\uff14\uff13/a",
    "https://127.0.0.1/a",
    "https://2130706433/a",
    "https://0x7f000001/a",
    "https://0177.0.0.1/a",
    "https://127.1/a",
    "https://[::1]/a",
    "https://[::ffff:127.0.0.1]/a",
    "https://169.254.169.254/latest/meta-data/",
    "https://graph\u3002example/a",
    "https://\uff47raph.example/a",
    "https://gr\u0430ph.example/a",
    "https://graph.example/\xe4",
    "https://graph%2eexample/a",
    "https://%67raph.example/a",
    "https://graph.example\t/a",
    "https://graph.example/a\r\nHost: evil.example",
    "https://graph.example/a b",
    " https://graph.example/a",
    "https://graph.example/\0",
    "https://[graph.example]/a",
    "https://graph.example:443:443/a",
    "https://-.fbcdn.example/a",
    "https://a..fbcdn.example/a",
    "https://graph.example/" + "a" * 9_000,
    "javascript:alert(1)",
    "data:text/html,hi",
]

NOT_PUBLIC = [
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16",
    "169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1",
    "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1",
    "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:7f00:1::", "2001:db8::1", "2002:7f00:1::1",
    "2002:808:808::1", "3fff::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
    "5f00::1", "graph.example", "", "1", "0x7f000001", "127.1",
]  # fmt: skip


@pytest.mark.parametrize("url", NASTY)
def test_a_url_that_could_mean_another_place_is_refused_for_good(url: str) -> None:
    with pytest.raises(MediaRefused) as refused:
        demand_target(url, HOSTS, allow_loopback=False)

    assert (refused.value.is_final, refused.value.why) == (True, Why.ADDRESS)


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://graph.example", "graph.example", "/"),
        ("https://GRAPH.example/a?b=%20c&d#e", "graph.example", "/a?b=%20c&d"),
        ("HTTPS://graph.example:443/a", "graph.example", "/a"),
        (
            "https://scontent-fra5-1.xx.fbcdn.example/v/t1.jpg?oh=1",
            "scontent-fra5-1.xx.fbcdn.example",
            "/v/t1.jpg?oh=1",
        ),
        ("https://graph.example?a=b", "graph.example", "/?a=b"),
        ("https://graph.example//evil.example/a", "graph.example", "//evil.example/a"),
    ],
)
def test_a_plain_url_of_a_named_host_is_taken_as_it_is(url: str, host: str, path: str) -> None:
    target = demand_target(url, HOSTS, allow_loopback=False)

    assert (target.scheme, target.host, target.port, target.path) == ("https", host, 443, path)


def test_without_named_hosts_it_goes_nowhere() -> None:
    for hosts in ((), ("",), (".",)):
        with pytest.raises(MediaRefused):
            demand_target("https://graph.example/a", hosts, allow_loopback=False)


@given(st.text(max_size=80).map(lambda text: f"https://{text}"))
def test_whatever_stands_behind_the_scheme_leads_to_a_named_host_or_nowhere(url: str) -> None:
    try:
        target = demand_target(url, HOSTS, allow_loopback=False)
    except MediaRefused:
        return
    assert target.host == "graph.example" or target.host.endswith(".fbcdn.example")


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_refused_for_good(address: str) -> None:
    with pytest.raises(MediaRefused) as refused:
        demand_public(address, allow_loopback=False)

    assert (refused.value.is_final, refused.value.why) == (True, Why.ADDRESS)


@pytest.mark.parametrize("address", ["8.8.8.8", "157.240.0.1", "172.32.0.1", "2a03:2880:f12d::1", "2606:4700::1111"])
def test_a_public_address_is_taken(address: str) -> None:
    assert demand_public(address, allow_loopback=False) == address


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "fe80::1", "::ffff:127.0.0.1"])
def test_where_tests_allow_loopback_nothing_else_inside_is_allowed(address: str) -> None:
    with pytest.raises(MediaRefused):
        demand_public(address, allow_loopback=True)
    assert demand_public("127.0.0.1", allow_loopback=True)
    assert demand_public("::1", allow_loopback=True)
