"""Secrets of a configuration are shown nowhere: not in its repr, its dump, a command that is kept, an error."""

from __future__ import annotations

from typing import Any

import pytest

from ragsys.config import Config, Spec, load
from ragsys.errors import ConfigError
from ragsys.masking import command, masked, setting, words

SERVED = "generator={use: openai, api_key: hush, headers: {x-team: hush}}"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("generator.api_key=hush", "generator.api_key=***"),
        ("generator.headers.x-team=hush", "generator.headers.x-team=***"),
        ("generator.headers={x-team: hush}", "generator.headers={x-team: '***'}"),
        ("generator={use: openai, api_key: hush}", "generator={use: openai, api_key: '***'}"),
        ("store.url=http://me:hush@host", "store.url=http://me:***@host"),
        ("store.url=http://host/?a=1&api-key=hush&b=2", "store.url=http://host/?a=1&api-key=***&b=2"),
        ("store.url=http://host/?monkey=1&tokens=4", "store.url=http://host/?monkey=1&tokens=4"),
        ("generator.api_key=@hush", "generator.api_key=…"),  # no YAML
        ("generator.api_key: hush", "generator.api_key:***"),
        ("answer.pages=4", "answer.pages=4"),
        ("search.fuse=[1", "search.fuse=[1"),
        ("generator={api_key: @hush", "generator=…"),
        ("answer.pages", "answer.pages"),
        ("generator.api_key=", "generator.api_key="),
    ],
)
def test_a_setting_is_shown_without_its_secrets(given: str, shown: str) -> None:
    assert setting(given) == shown


def test_a_line_of_a_chat_is_kept_without_its_secrets() -> None:
    assert command("/config generator.api_key=hush") == "/config generator.api_key=***"
    assert command("what is the api_key=hush of the example?") == "what is the api_key=hush of the example?"


def test_what_gives_nothing_away_stays() -> None:
    data = {"password": None, "token": True, "headers": {"a": "", "b": ["x", 3]}, "tokens": 4, "url": "http://h:1/x"}
    assert masked(data) == {**data, "headers": {"a": "", "b": ["***", "***"]}}
    assert masked({"pin": "1234", "pot": "1234"}, secret={"pin"}) == {"pin": "***", "pot": "1234"}
    assert data["headers"] == {"a": "", "b": ["x", 3]}
    assert words("see https://me:hush@host/a and http://host:80/") == "see https://me:***@host/a and http://host:80/"


def test_a_configuration_shows_its_secrets_nowhere() -> None:
    config = load("laptop", [SERVED, "store={use: server, url: 'http://me:hush@h', api_key: hush}"])
    for shown in (repr(config), str(config), f"{config.generator}", str(config.dump()), repr(config.defaults)):
        assert "hush" not in shown
        assert "openai" in shown or "store" not in shown
    assert config.generator.options["api_key"] == "hush"
    assert "hush" in str(config.dump(redact=False))


def test_an_option_is_a_secret_by_its_type_whatever_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    from pydantic import Field, SecretStr

    from ragsys.options import Options, secret_fields

    class Card(Options):
        pin: SecretStr = SecretStr("")
        gates: dict[str, SecretStr] = Field({})
        size: int = 1

    assert secret_fields(Card) == {"pin", "gates"}
    monkeypatch.setattr("ragsys.config.options_type", lambda component: Card)
    spec: Any = Spec.model_validate({"use": "openai", "pin": "1234", "gates": {"a": "1234"}, "size": 3})
    config = load("laptop", []).model_copy(update={"generator": spec})
    shown = config.dump()["generator"]
    assert (shown["pin"], shown["gates"], shown["size"]) == ("***", {"a": "***"}, 3)


def test_equal_but_for_secrets_is_the_same_configuration_and_owner() -> None:
    one, other = (load("laptop", [SERVED.replace("hush", key)]) for key in ("one", "two"))
    assert (one.hash, one.shared) == (other.hash, other.shared)


@pytest.mark.parametrize(
    "given",
    [
        "generator={use: openai, url: 'ftp://me:hush@host'}",
        "generator={use: openai, url: 'http://me:hush@host'}",
        "generator={use: openai, url: 'http://host/v1?key=hush'}",
        "generator={use: openai, headers: {x-team: [hush]}}",
        "generator={use: openai, api_key: {a: hush}}",
        "generator.api_key=@hush",
        "generator.api_key:hush",
    ],
)
def test_an_error_about_a_setting_does_not_tell_its_secret(given: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load("laptop", [given])
    assert "hush" not in str(caught.value)


def test_the_words_of_a_check_stand_alone() -> None:
    with pytest.raises(ConfigError) as caught:
        load("laptop", ["generator={use: openai, url: nowhere}"])
    assert caught.value.message == (
        "laptop: generator.url: 'nowhere' is no address of a server: write http://HOST:PORT/v1"
    )
    assert isinstance(load("laptop"), Config)
