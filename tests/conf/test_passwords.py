"""Settings hold no password, and name no address that only this machine should reach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.utilities.schema_tools.validation import is_valid_schema, validate
from pydantic import BaseModel, ValidationError

from conf import Settings, SettingsError, load, profiles, stored
from conf.services import URI_VARIABLE
from conf.urls import has_password, is_link_local, masked, url_fault

CANARY = "c4nary-s3cret"
SECRETS = [
    f"postgresql://bob:{CANARY}@host/db",
    f"postgresql+psycopg://bob:{CANARY}/@?#x@host/db",
    f"postgresql://:{CANARY}@host/db",
    f"postgresql:///db?user=bob&password={CANARY}",
    f"https://bob:{CANARY}@host:5000/path",
    f"https://{CANARY}@host:5000",
    f"HTTPS://bob:{CANARY}@host",
    f"s3://bucket/x.csv?X=1&sig={CANARY}",
    f"see mysql://bob:{CANARY}@host/db for more",
]


def texts(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the path of every setting that may be text."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from texts(inner, (*path, name))
        elif "str" in repr(inner):
            yield ".".join((*path, name))


def test_the_settings_that_hold_text_are_known() -> None:
    assert {"track.uri", "source.url_variable", "source.query", "data_folder"} <= set(texts(Settings))


@pytest.mark.parametrize("secret", SECRETS)
def test_a_password_in_a_url_is_seen_and_masked(secret: str) -> None:
    assert has_password(secret)
    assert CANARY not in masked(secret)
    assert not has_password(masked("postgresql://host/db"))


@pytest.mark.parametrize(
    "text",
    [
        "http://host:5000",
        "postgresql://bob@host:5432/db",
        "sqlite:////tmp/a@b:c/mlflow.db",
        "select * from sales where mail like 'a:%@b'",
        "var/it's a:folder@home",
        "http://[::1]:5000/x",
    ],
)
def test_a_text_without_a_password_is_left_alone(text: str) -> None:
    assert not has_password(text)


@pytest.mark.parametrize("name", sorted(set(texts(Settings)) - {"profile"}))
@pytest.mark.parametrize("secret", SECRETS)
def test_no_setting_takes_a_url_with_a_password(name: str, secret: str) -> None:
    leaf = {"source.columns": "source.columns.price", "price.margins": "price.margins.dairy"}.get(name, name)
    with pytest.raises(SettingsError) as error:
        load("default", [f"{leaf}={secret}"])
    assert CANARY not in str(error.value)
    assert str(error.value).startswith(leaf)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("secret", [*SECRETS, f"{SECRETS[0]}.yaml"])
def test_a_profile_is_no_url_with_a_password(secret: str) -> None:
    with pytest.raises(SettingsError) as error:
        load(secret)
    assert CANARY not in str(error.value)


@pytest.mark.parametrize(
    ("assignment", "variable"),
    [
        ("track.uri", URI_VARIABLE),
        ("source.query", "REPRICER_SOURCE_URL"),
        ("source.path", "REPRICER_SOURCE_URL"),
    ],
)
def test_the_message_names_the_variable_that_may_hold_it(assignment: str, variable: str) -> None:
    rule = rf"^{assignment}: a URL with a password is no setting.*export it as {variable}"
    with pytest.raises(SettingsError, match=rule):
        load("default", [f"{assignment}={SECRETS[0]}"])


@pytest.mark.parametrize(
    "assignment", [f"{SECRETS[0]}=3", f"seed={SECRETS[0]}", SECRETS[0], f"price.margins={{a: [{SECRETS[0]}"]
)
def test_a_password_at_the_wrong_place_is_not_repeated(assignment: str) -> None:
    with pytest.raises(SettingsError) as error:
        load("default", [assignment])
    assert CANARY not in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        f"track: {{uri: '{SECRETS[0]}'}}",
        f"track: {{uri: '{SECRETS[0]}'",  # no YAML: its error quotes the line
        f"- {SECRETS[0]}",  # no mapping
        f"tracks: {SECRETS[0]}",
    ],
)
def test_a_profile_with_a_password_is_refused_without_it(text: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(SettingsError) as error:
        load(str(tmp_path / "mine.yaml"))
    assert CANARY not in str(error.value)


def test_an_old_run_whose_parameters_hold_a_password_is_read_no_more() -> None:
    with pytest.raises(SettingsError) as error:
        stored({"track": {"uri": SECRETS[0]}})
    assert CANARY not in str(error.value)


@pytest.mark.parametrize("secret", SECRETS)
def test_code_that_makes_settings_gets_an_error_without_the_password(secret: str) -> None:
    with pytest.raises(ValidationError) as error:
        Settings(track={"uri": secret})
    assert CANARY not in str(error.value) + repr(error.value.errors())


@pytest.mark.parametrize(
    ("section", "field"), [("track", "uri"), ("track", "experiment"), ("source", "query")]
)
@pytest.mark.parametrize("secret", SECRETS)
def test_prefect_refuses_a_password_before_it_stores_the_parameters(
    section: str, field: str, secret: str
) -> None:
    schema: Any = Settings.model_json_schema()
    is_valid_schema(schema)
    assert not validate({section: {field: "http://host:5000"}}, schema, ignore_required=True)
    assert validate({section: {field: secret}}, schema, ignore_required=True)


@pytest.mark.parametrize("profile", profiles())
def test_the_form_of_prefect_takes_the_settings_of_a_profile(profile: str) -> None:
    schema: Any = Settings.model_json_schema()
    assert not validate(load(profile).model_dump(mode="json"), schema)


LINK_LOCAL = [
    "169.254.169.254",
    "169.254.1.1",
    "0xA9FEA9FE",
    "2852039166",
    "0251.0376.0251.0376",
    "169.254.43518",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[::ffff:169.254.169.254]",
    "[fd00:ec2::254]",
    "metadata.google.internal",
    "METADATA.google.internal.",
]


@pytest.mark.parametrize("host", LINK_LOCAL)
def test_a_link_local_host_is_refused_in_every_notation(host: str) -> None:
    for url in (f"http://{host}/latest", f"https://{host}:5000", f"postgresql://bob@{host}/db"):
        with pytest.raises(
            SettingsError, match=r"^track\.uri: its host is a link-local address.*Name an MLflow"
        ):
            load("default", [f"track.uri={url}"])


@pytest.mark.parametrize(
    "option", ["host=169.254.1.1", "host=169.254.1.1:5432&host=h", "x=SERVER%3D169.254.1.1%3B"]
)
def test_a_link_local_host_in_the_options_of_a_url_is_refused(option: str) -> None:
    assert "link-local" in url_fault(f"postgresql+psycopg://bob@host/db?{option}")


def test_a_name_that_leads_to_a_link_local_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_: [(0, 0, 0, "", ("169.254.169.254", 0))])
    assert "link-local" in url_fault("http://shop.example/", resolve=True)
    monkeypatch.setattr("socket.getaddrinfo", lambda *_: [(0, 0, 0, "", ("10.0.0.7", 0))])
    assert not url_fault("http://shop.example/", resolve=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.1.2.3", "::1", "mlflow", "16.25.4.169", ""])
def test_other_hosts_are_not_link_local(host: str) -> None:
    assert not is_link_local(host)


@pytest.mark.parametrize(
    "uri", ["file:///tmp/x", "FILE:/tmp/x", "./mlruns", "/tmp/mlruns", "ftp://host/x", "databricks"]
)
def test_a_tracking_uri_is_a_server_or_a_database(uri: str) -> None:
    with pytest.raises(SettingsError, match=r"^track\.uri: .*Name an MLflow server or a database"):
        load("default", [f"track.uri={uri}"])


@pytest.mark.parametrize(
    "uri", ["http://h:5000", "https://h/p", "sqlite:////a b/x.db", "postgresql+psycopg://u@h/d"]
)
def test_servers_and_databases_are_taken(uri: str) -> None:
    assert load("default", [f"track.uri={uri}"]).track.uri == uri


@pytest.mark.parametrize("name", ["source.path", "data_folder"])
@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "http://169.254.169.254/x.csv", "s3://bucket/x", "file:x"]
)
def test_a_path_is_no_url(name: str, url: str) -> None:
    with pytest.raises(
        SettingsError, match=rf"^{name.replace('.', '[.]')}: a path of this machine, not a URL"
    ):
        load("default", [f"{name}={url}"])


@pytest.mark.parametrize("path", ["C:/shop/x.csv", "var/a?b#c 100%", "x:y.csv", "./file"])
def test_a_path_with_signs_is_a_path(path: str) -> None:
    assert load("default", [f"source.path={path}"]).source.path == path


@pytest.mark.parametrize("name", ["postgresql://host/db", "A-B", "1A", "A B"])
def test_the_url_is_not_the_name_of_its_variable(name: str) -> None:
    with pytest.raises(SettingsError, match=r"^source\.url_variable: the name of an environment variable"):
        load("default", [f"source.url_variable={name}"])
