"""Links for providers: made by us alone, for one file, and for a while."""

from datetime import UTC, datetime, timedelta

import pytest

from api.links import LIFE, Links

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
CUSTOMER, DIGEST = f"customer-{'1' * 32}", "9f" * 32


def links(now: datetime = NOON, key: bytes = b"k" * 32) -> Links:
    return Links("https://cc.shop.example/", key, lambda: now)


def ticket() -> str:
    return links().to(CUSTOMER, DIGEST, NOON).rpartition("/")[2]


def test_a_link_names_the_file_and_is_the_same_for_the_same_reply() -> None:
    link = links(NOON + timedelta(days=1)).to(CUSTOMER, DIGEST, NOON)

    assert link == links().to(CUSTOMER, DIGEST, NOON)
    assert link.startswith(f"https://cc.shop.example/v1/files/{CUSTOMER}/{DIGEST}/")


def test_a_link_is_good_until_it_expires() -> None:
    assert links(NOON + LIFE - timedelta(seconds=1)).is_good(CUSTOMER, DIGEST, ticket())
    assert not links(NOON + LIFE).is_good(CUSTOMER, DIGEST, ticket())


@pytest.mark.parametrize(
    ("key", "customer_id", "digest", "given"),
    [
        (b"x" * 32, CUSTOMER, DIGEST, ticket()),
        (b"k" * 32, f"customer-{'2' * 32}", DIGEST, ticket()),
        (b"k" * 32, CUSTOMER, "8f" * 32, ticket()),
        (b"k" * 32, CUSTOMER, DIGEST, f"9{ticket()[1:]}"),
        (b"k" * 32, CUSTOMER, DIGEST, f"{ticket()[:-1]}x"),
    ],
)
def test_no_other_link_is_good(key: bytes, customer_id: str, digest: str, given: str) -> None:
    assert not links(key=key).is_good(customer_id, digest, given)
