"""Settings: what the production shape sets is known, what is wrong is refused by its variable's name, keys are kept."""

import os
import re
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.key_file import FILE_NAME, new_key, with_kept_keys
from api.settings import Settings, SettingWrong, as_environment, decode_keys, read_settings, variable

ROOT = Path(__file__).parents[3]
OURS = re.compile(r"ONETHREAD_[A-Z0-9_]+|DATABASE_URL|NATS_URL")
FOR_THE_DATABASE_ONLY = {"ONETHREAD_DATABASE_PASSWORD"}
"""Becomes part of DATABASE_URL; our processes never see it by this name."""
SECRETS = {
    "POSTGRES_PASSWORD": "pA1",
    "ONETHREAD_DATABASE_PASSWORD": "oB2",
    "NATS_TOKEN": "nC3",
    "ONETHREAD_MASTER_KEYS": new_key(),
    "ONETHREAD_CLAIM_KEY": new_key(),
    "ONETHREAD_TOKEN_KEY": new_key(),
    "ONETHREAD_ALLOWED_ORIGINS": "https://desk.example",
}
"""A plausible .env."""
KEYS = {"ONETHREAD_MASTER_KEYS": new_key(), "ONETHREAD_CLAIM_KEY": new_key(), "ONETHREAD_TOKEN_KEY": new_key()}


def services() -> dict[str, dict[str, Any]]:
    """The services of the production shape, anchors and merges resolved."""
    shape: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return shape["services"]  # type: ignore[no-any-return]


def environments() -> Iterator[tuple[str, dict[str, str]]]:
    """What each of our processes is given, with the secrets filled in."""
    for name, service in services().items():
        if service.get("image", "").startswith("onethread"):
            given = service.get("environment") or {}
            pairs = given.items() if isinstance(given, dict) else (one.partition("=")[::2] for one in given)
            yield name, {key: filled(str(value)) for key, value in pairs}


def filled(text: str) -> str:
    """As docker compose puts .env in: `${NAME}`, `${NAME:-default}`, `${NAME:?why}`."""
    return re.sub(r"\$\{(\w+)(?::?[-?]([^}]*))?\}", lambda one: SECRETS.get(one[1], one[2] or ""), text)


def test_the_production_shape_has_two_api_nodes_two_workers_and_their_servers() -> None:
    ours = {name for name, _ in environments()}

    assert ours == {"api-1", "api-2", "worker-1", "worker-2"}
    assert set(services()) - ours == {"postgres", "nats-1", "nats-2", "nats-3"}


def test_every_service_of_the_production_shape_starts_again_and_keeps_its_output_within_a_limit() -> None:
    for name, service in services().items():
        assert service["restart"] == "unless-stopped", name
        assert {"max-size", "max-file"} <= set(service["logging"]["options"]), name


def test_the_image_of_the_production_shape_is_of_this_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    images = {service["image"] for service in services().values() if service["image"].startswith("onethread")}

    assert images == {f"onethread:{project['version']}"}


def test_every_variable_of_the_production_shape_is_a_setting_with_a_plausible_value() -> None:
    for name, environment in environments():
        settings = read_settings({key: value for key, value in environment.items() if OURS.fullmatch(key)})
        decode_keys(settings)

        assert settings.database_url.startswith("postgresql://"), name
        assert all(url.startswith("nats://") for url in settings.nats_url.split(",")), name
        assert settings.readers == ("off" if name.startswith("api") else "on"), name


@pytest.mark.parametrize("file", ["docker-compose.yml", "Dockerfile"])
def test_no_file_of_the_production_shape_names_an_unknown_variable(file: str) -> None:
    named = set(OURS.findall((ROOT / file).read_text())) - FOR_THE_DATABASE_ONLY

    assert named <= {variable(name) for name in Settings.__struct_fields__}


def test_the_image_sets_only_what_the_settings_know() -> None:
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("ENV ")]
    given = dict(pair.split("=", 1) for line in lines for pair in line.removeprefix("ENV ").split())

    settings = read_settings(given)

    assert (settings.host, settings.port) == ("0.0.0.0", 8000)


def test_an_unknown_variable_is_refused_with_a_sentence() -> None:
    with pytest.raises(SettingWrong) as refused:
        read_settings({"ONETHREAD_PROT": "8000"})

    assert str(refused.value).startswith("ONETHREAD_PROT is no setting of Onethread; there are ")
    assert "ONETHREAD_PORT" in str(refused.value)


def test_variables_of_others_do_not_matter() -> None:
    assert read_settings({"PATH": "/bin", "ONE": "1", "ONETHREAD": "x"}) == Settings()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ONETHREAD_PORT", "eighty"),
        ("ONETHREAD_PORT", "65536"),
        ("ONETHREAD_PORT", "-1"),
        ("ONETHREAD_READERS", "yes"),
        ("ONETHREAD_LOG_LEVEL", "verbose"),
        ("ONETHREAD_METRICS", "closed"),
        ("ONETHREAD_TOKEN_SECONDS", "59"),
        ("ONETHREAD_TOKEN_SECONDS", "86401"),
        ("ONETHREAD_TICKET_SECONDS", "1.5"),
        ("ONETHREAD_BODY_BYTES_MAX", "65535"),
        ("ONETHREAD_MAIL_BYTES_MAX", "4MB"),
        ("ONETHREAD_APPEND_BACKLOG_MAX", "0"),
        ("ONETHREAD_STOP_SECONDS", "0"),
        ("ONETHREAD_STOP_SECONDS", "soon"),
    ],
)
def test_a_value_that_cannot_be_used_names_its_variable(name: str, text: str) -> None:
    with pytest.raises(SettingWrong, match=rf"^{name}: "):
        read_settings({name: text})


def test_an_empty_variable_counts_as_absent_and_lists_are_split() -> None:
    settings = read_settings(
        {"ONETHREAD_PORT": " ", "ONETHREAD_ALLOWED_ORIGINS": "https://a.example, https://b.example,"}
    )

    assert settings.port == 8000
    assert settings.allowed_origins == ("https://a.example", "https://b.example")


def test_what_a_process_passes_on_is_what_it_was_given() -> None:
    settings = read_settings(
        KEYS | {"ONETHREAD_PORT": "0", "ONETHREAD_STOP_SECONDS": "2.5", "DATABASE_URL": "postgresql://x"}
    )

    environment = {key: value for key, value in as_environment(settings).items() if OURS.fullmatch(key)}

    assert read_settings(environment) == settings


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"ONETHREAD_MASTER_KEYS": ""}, "ONETHREAD_MASTER_KEYS is missing"),
        ({"ONETHREAD_MASTER_KEYS": "not base64!"}, "ONETHREAD_MASTER_KEYS is not base64"),
        ({"ONETHREAD_MASTER_KEYS": "c2hvcnQ="}, "ONETHREAD_MASTER_KEYS has 5 bytes"),
        ({"ONETHREAD_MASTER_KEYS": f"{new_key()},c2hvcnQ="}, "ONETHREAD_MASTER_KEYS has 5 bytes"),
        ({"ONETHREAD_CLAIM_KEY": ""}, "ONETHREAD_CLAIM_KEY has 0 bytes"),
        ({"ONETHREAD_TOKEN_KEY": "c2hvcnQ="}, "ONETHREAD_TOKEN_KEY has 5 bytes"),
    ],
)
def test_keys_that_cannot_be_used_are_refused(changes: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingWrong) as refused:
        decode_keys(read_settings(KEYS | changes))

    assert str(refused.value).startswith(sentence)
    assert "c2hvcnQ=" not in str(refused.value)


def test_several_master_keys_are_kept_in_order() -> None:
    keys = [new_key(), new_key()]

    decoded = decode_keys(read_settings(KEYS | {"ONETHREAD_MASTER_KEYS": ",".join(keys)}))

    assert len(decoded.master_keys) == 2
    assert decoded.master_keys[0] != decoded.master_keys[1]
    assert {len(key) for key in decoded.master_keys} == {32}


def test_keys_are_made_once_and_only_their_owner_may_read_them(tmp_path: Path) -> None:
    settings = Settings(data_directory=tmp_path / "kept here")

    first, second = with_kept_keys(settings), with_kept_keys(settings)

    file = settings.data_directory / FILE_NAME
    assert second == first
    assert len(set(decode_keys(first).master_keys) | {decode_keys(first).claim_key, decode_keys(first).token_key}) == 3
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(settings.data_directory) == [FILE_NAME]  # noqa: PTH208  # names are what is claimed


def test_keys_that_are_given_are_not_replaced(tmp_path: Path) -> None:
    settings = read_settings(KEYS | {"ONETHREAD_DATA_DIRECTORY": str(tmp_path)})

    assert with_kept_keys(settings) == settings
    assert not (tmp_path / FILE_NAME).exists()


def test_processes_that_start_together_agree_on_their_keys(tmp_path: Path) -> None:
    script = (
        "from api.key_file import with_kept_keys as keep; from api.settings import settings_from_environment as read"
    )
    command = [sys.executable, "-c", f"{script}; print(keep(read()))"]
    environment = {"ONETHREAD_DATA_DIRECTORY": str(tmp_path), "PATH": os.environ["PATH"]}

    together = [subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) for _ in range(4)]
    told = {one.communicate(timeout=30)[0] for one in together}

    assert [one.returncode for one in together] == [0, 0, 0, 0]
    assert len(told) == 1


def test_a_key_file_that_cannot_be_read_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME
    file.write_text("{")

    with pytest.raises(SettingWrong, match=r"keys\.json cannot be read"):
        with_kept_keys(Settings(data_directory=tmp_path))
    assert file.read_text() == "{"
