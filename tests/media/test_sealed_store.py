"""Keeping bytes: the same once, unreadable without the keys, whole or not there, in a folder and on S3."""

import hashlib
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from application.exchange.media import MediaBroken, MediaNotStored, StoredMedia
from infrastructure.media.places import Bucket, Folder, Place
from infrastructure.media.sealed_store import SealedStore
from tests.media.s3_server import an_s3_server

pytestmark = pytest.mark.anyio
MASTER, OTHER = b"m" * 32, b"o" * 32
KEY = b"the claim key of all tests, 32 b"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(50)


def store_on(place: Place, *masters: bytes, key: bytes = KEY) -> SealedStore:
    return SealedStore(place, master_keys=masters or (MASTER,), digest_key=key)


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Both kinds: a folder that does not exist yet, and a bucket on a server of loopback."""
    if request.param == "folder":
        yield Folder(tmp_path / "not" / "there")
        return
    with an_s3_server() as bucket:
        keys = {"access_key": "an access key", "secret_key": "a secret key"}
        yield Bucket("s3://shop/some/media", endpoint=bucket.url, region="eu-central-1", **keys)


async def test_what_is_put_is_got_back_with_what_is_known_of_it(place: Place) -> None:
    store = store_on(place)

    stored = await store.put(PNG, "text/plain", "a.txt")

    digest = hashlib.blake2b(PNG, digest_size=32, key=KEY, person=b"onethread media").hexdigest()
    known = StoredMedia(
        digest=digest, sha256=hashlib.sha256(PNG).hexdigest(), size_bytes=len(PNG), content_type="image/png"
    )
    assert stored == known
    assert await store_on(place).get(digest) == (known, PNG)


async def test_what_was_never_put_is_not_there(place: Place) -> None:
    assert await store_on(place).get("0" * 64) is None
    await store_on(place).put(b"something else")
    assert await store_on(place).get("0" * 64) is None


async def test_a_file_of_the_largest_size_goes_in_and_comes_out(place: Place) -> None:
    body = os.urandom(26_214_400)

    stored = await store_on(place).put(body)

    found = await store_on(place).get(stored.digest)
    assert found is not None
    assert found[1] == body


async def test_the_same_bytes_are_one_object_and_nothing_in_it_can_be_read(tmp_path: Path) -> None:
    store = store_on(Folder(tmp_path))

    first, again = await store.put(PNG, name="a.png"), await store.put(PNG, name="b.png")

    (file,) = files_in(tmp_path)
    assert first == again
    assert (file.parent.name, file.name) == (first.digest[:2], first.digest)
    kept = file.read_bytes()
    assert not any(told in kept for told in (b"PNG", b"IHDR", b"image", first.sha256.encode(), bytes(16)))


async def test_names_tell_nothing_to_whoever_lacks_the_key(tmp_path: Path) -> None:
    ours = await store_on(Folder(tmp_path)).put(PNG)
    theirs = await store_on(Folder(tmp_path), key=b"k" * 32).put(PNG)

    assert ours.digest != theirs.digest
    assert hashlib.blake2b(PNG, digest_size=32).hexdigest() not in {ours.digest, theirs.digest}


async def test_an_altered_or_moved_object_is_told_apart_from_a_missing_one(tmp_path: Path) -> None:
    store = store_on(Folder(tmp_path))
    one, other = await store.put(b"one"), await store.put(b"other")
    file, moved = (tmp_path / stored.digest[:2] / stored.digest for stored in (one, other))
    whole = file.read_bytes()

    for altered in (whole[:-1], whole[:40], b"", whole[:-1] + b"\0", moved.read_bytes()):
        file.write_bytes(altered)

        with pytest.raises(MediaBroken):
            await store.get(one.digest)


async def test_a_new_master_key_seals_what_comes_and_the_old_one_still_opens_what_was(tmp_path: Path) -> None:
    before = await store_on(Folder(tmp_path), MASTER).put(b"before")
    after = await store_on(Folder(tmp_path), OTHER, MASTER).put(b"after")

    assert await store_on(Folder(tmp_path), OTHER, MASTER).get(before.digest) == (before, b"before")
    assert await store_on(Folder(tmp_path), OTHER).get(after.digest) == (after, b"after")
    with pytest.raises(MediaBroken):
        await store_on(Folder(tmp_path), OTHER).get(before.digest)


async def test_what_a_crash_left_half_written_is_never_served_and_in_nobodys_way(tmp_path: Path) -> None:
    store = store_on(Folder(tmp_path))
    stored = await store.put(PNG)
    file = tmp_path / stored.digest[:2] / stored.digest
    file.rename(file.with_name(f"{file.name}#1"))  # as the library calls what it is still writing

    assert await store.get(stored.digest) is None
    await store.put(PNG)
    assert await store.get(stored.digest) == (stored, PNG)


async def test_after_a_change_of_the_master_key_everything_is_wrapped_by_the_new_one(place: Place) -> None:
    former = [await store_on(place).put(one) for one in (PNG, b"a", b"b")]
    rotated = store_on(place, OTHER, MASTER)
    await rotated.put(b"sealed since")

    first = [page async for page in rotated.rewrap()]
    again = [page async for page in rotated.rewrap()]

    assert (sum(page.done for page in first), sum(page.done for page in again)) == (3, 0)
    assert await store_on(place, OTHER).get(former[0].digest) == (former[0], PNG)


async def test_what_no_master_key_at_hand_opens_is_left_and_named(place: Place) -> None:
    stored = await store_on(place).put(PNG)

    (page,) = [page async for page in store_on(place, OTHER).rewrap()]

    assert (page.done, len(page.lost)) == (0, 1)
    assert stored.digest in page.lost[0]
    assert await store_on(place).get(stored.digest) == (stored, PNG)


async def test_a_folder_that_takes_nothing_says_so_and_takes_it_later(tmp_path: Path) -> None:
    (tmp_path / "media").write_text("a file, where a folder should be")
    store = store_on(Folder(tmp_path / "media"))

    with pytest.raises(MediaNotStored):
        await store.put(PNG)
    (tmp_path / "media").unlink()

    assert (await store.put(PNG)).size_bytes == len(PNG)


async def test_a_disk_that_ends_in_the_middle_of_a_file_says_so_and_leaves_nothing_behind(tmp_path: Path) -> None:
    store = store_on(Folder(tmp_path))
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, most))
    try:
        with pytest.raises(MediaNotStored):
            await store.put(bytes(20_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    assert files_in(tmp_path) == []
    stored = await store.put(bytes(20_000))
    assert await store.get(stored.digest) == (stored, bytes(20_000))


async def test_a_bucket_gets_signed_requests_and_its_objects_below_the_prefix() -> None:
    with an_s3_server() as bucket:
        store = store_on(
            Bucket("s3://shop/some/media/", endpoint=bucket.url, region="", access_key="an-access-key", secret_key="s")
        )
        stored = await store.put(PNG)

    assert list(bucket.objects) == [f"/shop/some/media/{stored.digest[:2]}/{stored.digest}"]
    assert bucket.authorizations[0].startswith("AWS4-HMAC-SHA256 Credential=an-access-key/")


async def test_a_bucket_that_is_full_or_gone_says_so_and_takes_it_later() -> None:
    with an_s3_server() as bucket:
        url = bucket.url
        place = Bucket("s3://shop", endpoint=url, region="", access_key="a", secret_key="s")
        bucket.is_full = True
        with pytest.raises(MediaNotStored):
            await store_on(place).put(PNG)
        bucket.is_full = False
        stored = await store_on(place).put(PNG)

    gone = Bucket("s3://shop", endpoint=url, region="", access_key="a", secret_key="s")
    with pytest.raises(MediaNotStored):
        await store_on(gone).get(stored.digest)
