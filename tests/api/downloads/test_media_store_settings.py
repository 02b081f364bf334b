"""Where media is kept is a setting: on a bucket, a process keeps nothing of it on its own disk."""

import pytest

from api.settings import SettingWrong, read_settings
from domain.person import Role
from infrastructure.embedded.servers import Servers
from tests.api.deployment import a_deployment
from tests.api.downloads.test_downloads import KEY, PNG, a_mail, bring, path_of, told
from tests.api.situations import a_shop
from tests.databases import an_empty_database
from tests.media.s3_server import an_s3_server


def test_with_a_bucket_named_files_go_there_and_come_back_from_there(servers: Servers) -> None:
    with an_empty_database(servers.addresses.database_url) as database_url, an_s3_server() as bucket:
        settings = {
            "media_store": "s3://shop/media",
            "media_s3_endpoint": bucket.url,
            "media_s3_access_key": "an-access-key",
            "media_s3_secret_key": "a secret key",
        }
        with a_deployment(database_url, servers.addresses.nats_url, **settings) as deployment:
            administrator = deployment.person(Role.ADMINISTRATOR)
            supervisor = deployment.person(Role.SUPERVISOR)
            mailbox = a_shop(
                deployment, administrator, channel="email", address="help@media.example", settings={"token_key": KEY}
            )
            customer_id = bring(mailbox, a_mail(("a.png", "image/png", PNG))).json()["customer_id"]
            (stored,) = told(supervisor, customer_id)
            got = supervisor.get(path_of(customer_id, stored["digest"]))
            is_local = (deployment.parts.settings.data_directory / "media").exists()

    assert got.content == PNG
    assert not is_local
    assert list(bucket.objects) == [f"/shop/media/{stored['digest'][:2]}/{stored['digest']}"]
    assert PNG not in next(iter(bucket.objects.values()))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ONETHREAD_MEDIA_STORE", "/var/media"),
        ("ONETHREAD_MEDIA_STORE", "gs://bucket"),
        ("ONETHREAD_MEDIA_S3_ENDPOINT", "minio:9000"),
        ("ONETHREAD_MEDIA_BYTES_MAX", "1"),
        ("ONETHREAD_MEDIA_BYTES_MAX", "1000000000"),
    ],
)
def test_a_media_setting_that_cannot_work_is_refused_by_its_name(variable: str, value: str) -> None:
    with pytest.raises(SettingWrong, match=variable):
        read_settings({variable: value})
