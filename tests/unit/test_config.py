"""Configurations: presets and files that extend each other, variables, overrides, every problem told at once."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, SecretStr, ValidationError

from ragsys.config import Config, Spec, check, load, merged, preflight
from ragsys.errors import ConfigError, MissingExtra
from ragsys.options import Options
from ragsys.plugins import Component, Registry, Resource


class Words(Options):
    """Options of the retriever below."""

    level: str = Field("page", pattern="^(page|passage)$")
    k1: float = Field(1.2, ge=0, le=10)
    api_key: SecretStr | None = None


def part(role: str, name: str, **fields: Any) -> Component:
    return Component(role, name, "json:JSONDecoder", **fields)


COMPONENTS = [
    part("loader", "pymupdf"),
    part("ocr", "auto", requires=("no_such_package_here",), extra="ocr"),
    part("layout", "pymupdf-layout"),
    part("splitter", "layout"),
    part("lexical", "words"),
    part("embedder", "minilm"),
    part("embedder", "large", requires=("no_such_package_here",), extra="vision"),
    part("store", "edge"),
    part("generator", "extractive"),
    part("retriever", "bm25", options=Words, needs={"lexical": "lexical"}),
    part("retriever", "dense", needs={"embedder": "embedder"}),
    part("fusion", "zsum"),
    part("fusion", "rrf", options=Words),
    part("ranker", "trees"),
    part("cut", "top"),
    part("judge", "needy", needs={"fusion": "fusion"}),
    part("agent", "single"),
]


@pytest.fixture
def registry() -> Registry:
    made = Registry()
    module = types.ModuleType("made_up")
    module.ragsys_components = lambda: COMPONENTS  # type: ignore[attr-defined]
    module.ragsys_resources = lambda: [Resource("preset", "laptop", "ragsys", "../configs/laptop.yaml")]  # type: ignore[attr-defined]
    made.add(module, "made-up")
    return made


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RAGSYS_CONFIG", raising=False)


def write(name: str, text: str) -> str:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return name


def problems(source: str, registry: Registry, *overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(source, overrides, registry=registry)
    return list(caught.value.problems)


# -- where it comes from --------------------------------------------------------------------------------------------


def test_the_default_is_the_preset_laptop(registry: Registry) -> None:
    config = load(registry=registry)
    assert config.store.use == "edge"
    assert set(config.search.lists) == {"pages", "passages", "dense"}
    assert config == load("laptop", registry=registry)


def test_the_environment_chooses_the_default(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGSYS_CONFIG", write("mine.yaml", "search: {candidates: 7}"))
    assert load(registry=registry).search.candidates == 7


def test_a_file_that_extends_nothing_by_name_changes_the_default_preset(registry: Registry) -> None:
    assert load(write("empty.yaml", "# nothing\n"), registry=registry) == load("laptop", registry=registry)
    changed = load(
        write("mine.yaml", "search: {fuse: {use: rrf, k1: 2}, retrievers: {pages: {k1: 3}}}"), registry=registry
    )
    assert changed.search.fuse.options == {"k1": 2}
    assert changed.search.lists["pages"] == Spec.model_validate({"use": "bm25", "level": "page", "k1": 3})
    assert changed.generator.use == "extractive"


def test_a_file_that_extends_null_must_name_everything(registry: Registry) -> None:
    found = problems(write("bare.yaml", "extends: null\nstore: edge\nsearch: {fuse: {}}"), registry)
    assert [line.partition(": ")[2] for line in found] == [
        *(
            f"{key}: missing: give it, or extend a preset that does (extends: laptop)"
            for key in ("loaders", "ocr", "layout", "splitter", "generator", "search.retrievers")
        ),
        "search.fuse.use: missing: the name of a component",
        "answer: missing: give it, or extend a preset that does (extends: laptop)",
    ]


def test_a_preset_that_extends_nothing_is_whole(registry: Registry) -> None:
    """The default preset is one: it names every component, and the classes of `ragsys.config` name none."""
    with pytest.raises(ValidationError) as caught:
        Config()  # type: ignore[call-arg]
    assert {error["type"] for error in caught.value.errors()} == {"missing"}


def test_null_removes_a_loader_of_a_preset(registry: Registry) -> None:
    source = write("mine.yaml", "loaders: {pymupdf: null, other: {use: pymupdf}}")
    assert list(load(source, registry=registry).loaders) == ["other"]
    (problem,) = problems(write("none.yaml", "loaders: {pymupdf: null}"), registry)
    assert problem.startswith("none.yaml: loaders: dictionary should have at least 1 item")


def test_a_need_without_a_default_is_told(registry: Registry) -> None:
    (problem,) = problems("laptop", registry, "embedder=null")
    assert problem == (
        "laptop: search.retrievers.dense: retriever 'dense' needs an embedder and the configuration names none"
    )


def test_a_byte_order_mark_is_no_part_of_the_first_key(registry: Registry) -> None:
    Path("windows.yaml").write_bytes(b"\xef\xbb\xbfstore: edge\r\n")
    assert load("windows.yaml", registry=registry).store.use == "edge"


def test_a_file_extends_a_preset_and_changes_only_what_it_names(registry: Registry) -> None:
    source = write("mine.yaml", "extends: laptop\nsearch: {candidates: 50, retrievers: {dense: null}}\n")
    config = load(source, registry=registry)
    assert config.search.candidates == 50
    assert set(config.search.lists) == {"pages", "passages"}
    assert config.search.fuse.use == "zsum"


def test_extends_is_relative_to_the_file_that_says_it(registry: Registry) -> None:
    write("deep/base.yaml", "search: {candidates: 11, rerank_depth: 5}")
    write("deep/middle.yaml", "extends: base.yaml\nsearch: {rerank_depth: 6}")
    config = load(write("top.yaml", "extends: deep/middle.yaml"), registry=registry)
    assert (config.search.candidates, config.search.rerank_depth) == (11, 6)


def test_extends_may_be_a_variable(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    write("base.yaml", "search: {candidates: 11}")
    source = write("top.yaml", "extends: ${BASE:-laptop}")
    assert load(source, registry=registry).search.candidates == 50
    monkeypatch.setenv("BASE", "base.yaml")
    assert load(source, registry=registry).search.candidates == 11


@pytest.mark.parametrize("other", ["a.yaml", "./a.yaml", "deep/../a.yaml"])
def test_a_circle_of_files_is_told(registry: Registry, other: str) -> None:
    Path("deep").mkdir()
    write("a.yaml", "extends: b.yaml")
    write("b.yaml", f"extends: {other}")
    (problem,) = problems("a.yaml", registry)
    assert problem.startswith("configurations extend each other in a circle: ")
    assert problem.count("->") == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1", "not valid YAML: expected ',' or ']', but got '<stream end>' (line 1, column 6)"),
        ("store: edge\nstore: server", "not valid YAML: the key 'store' is given twice (line 2, column 1)"),
        ("- a", "a configuration is a mapping of keys, found list"),
        ("0", "a configuration is a mapping of keys, found int"),
        ("extends: [a]", "extends: a preset's name or a file, found list"),
    ],
)
def test_what_is_no_configuration_says_why(registry: Registry, text: str, said: str) -> None:
    assert problems(write("bad.yaml", text), registry) == [f"bad.yaml: {said}"]


def test_an_unknown_preset_gets_a_suggestion_and_the_list(registry: Registry) -> None:
    with pytest.raises(ConfigError) as caught:
        load("latpop", registry=registry)
    assert caught.value.message == "no preset named 'latpop'. Did you mean 'laptop'?"
    assert caught.value.hint == "presets: laptop\na file needs its ending: --config my.yaml"


def test_a_file_that_cannot_be_read_is_told(registry: Registry) -> None:
    Path("folder.yaml").mkdir()
    Path("binary.yaml").write_bytes(b"\xff\xfe\x00\x01")
    assert "No such file" in problems("none.yaml", registry)[0]
    assert problems("folder.yaml", registry)
    assert problems("binary.yaml", registry) == ["binary.yaml: not a text file in UTF-8"]


# -- variables ------------------------------------------------------------------------------------------------------


def test_variables_are_expanded_with_defaults(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "sesame")
    monkeypatch.setenv("EMPTY", "")
    text = """
search:
  candidates: ${COUNT:-12}
  retrievers: {a: {use: bm25, api_key: '${KEY}$${KEY}${EMPTY}${EMPTY:-!}'}}
"""
    config = load(write("env.yaml", text), registry=registry)
    assert config.search.candidates == 12
    assert config.search.lists["a"].options["api_key"] == "sesame${KEY}!"


def test_a_variable_that_is_not_set_is_told_with_its_place(registry: Registry) -> None:
    source = write("env.yaml", "search: {retrievers: {a: {use: bm25, api_key: '${NO_SUCH_KEY}'}}}")
    with pytest.raises(ConfigError) as caught:
        load(source, registry=registry)
    assert caught.value.message == (
        "env.yaml: search.retrievers.a.api_key: the environment variable NO_SUCH_KEY is not set"
    )
    assert "${NAME:-default}" in str(caught.value.hint)


# -- overrides ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "read"),
    [
        ("search.candidates=50", lambda c: c.search.candidates == 50),
        ("search.fuse=rrf", lambda c: c.search.fuse == Spec(use="rrf")),
        ("search.retrievers.dense=null", lambda c: "dense" not in c.search.lists),
        ("search.retrievers.pages.k1=2", lambda c: c.search.lists["pages"].options == {"level": "page", "k1": 2}),
        ("search.retrievers.dense.needs={embedder: large}", lambda c: c.search.lists["dense"].needs["embedder"].use),
        ("search.retrievers={w: bm25}", lambda c: set(c.search.lists) == {"w", "pages", "passages", "dense"}),
        ("index.include=['*.pdf', '*.epub']", lambda c: c.index.include == ["*.pdf", "*.epub"]),
        ("search.cut=top", lambda c: c.search.cut.use == "top"),
        ("judge={use: needy, needs: {fusion: rrf}}", lambda c: c.judge.use == "needy"),
    ],
)
def test_an_override_is_yaml_at_a_path(registry: Registry, override: str, read: Any) -> None:
    assert read(load("laptop", [override], registry=registry))


def test_an_override_reaches_an_option_of_a_component_that_is_named_alone(registry: Registry) -> None:
    source = write("mine.yaml", "search: {fuse: rrf}")
    assert load(source, ["search.fuse.k1=3"], registry=registry).search.fuse.options == {"k1": 3}


def test_an_override_reaches_an_option_of_a_default_component(registry: Registry) -> None:
    (problem,) = problems("laptop", registry, "ocr.dpi=300")
    assert problem == "laptop: ocr.dpi: unknown key."  # it met the options of `auto`, which has none
    assert load("laptop", ["ocr.needs={}"], registry=registry).ocr.use == "auto"


def test_later_overrides_win(registry: Registry) -> None:
    config = load("laptop", ["search.candidates=1", "search.candidates=2"], registry=registry)
    assert config.search.candidates == 2


@pytest.mark.parametrize("override", ["search.candidates", "=3", "a..b=1", "extends=laptop", "search.fuse=[1"])
def test_an_override_that_is_none_is_told(registry: Registry, override: str) -> None:
    (problem,) = problems("laptop", registry, override)
    assert problem.startswith(f"--set {override}: ")


# -- problems -------------------------------------------------------------------------------------------------------


def test_all_problems_are_told_at_once(registry: Registry) -> None:
    text = "serach: {}\nindex: {workers: 99, limits: {pagse: 3}}\nsearch: {candidates: many, retrievers: {a: 3}}\n"
    found = problems(write("bad.yaml", text), registry)
    assert sorted(found) == [
        "bad.yaml: index.limits.pagse: unknown key. Did you mean 'pages'?",
        "bad.yaml: index.workers: input should be less than or equal to 64 (found 99)",
        "bad.yaml: search.candidates: input should be a valid integer, unable to parse string as an integer"
        " (found 'many')",
        "bad.yaml: search.retrievers.a: input should be a valid dictionary or instance of Spec (found 3)",
        "bad.yaml: serach: unknown key. Did you mean 'search'?",
    ]


def test_an_unknown_key_with_no_near_one_lists_the_known(registry: Registry) -> None:
    (problem,) = problems("laptop", registry, "search.rescore.xyzzy=1")
    assert problem == "laptop: search.rescore.xyzzy: unknown key. Known: pages, passages, seconds."


def test_all_problems_of_components_are_told_at_once(registry: Registry) -> None:
    text = """
extends: laptop
store: egde
search:
  fuse: zsmu
  retrievers:
    pages: {use: bm25, k1: 99, levle: page}
    dense: {use: dense, needs: {embeder: minilm}}
"""
    found = problems(write("bad.yaml", text), registry)
    assert sorted(found) == [
        "bad.yaml: search.fuse.use: no fusion named 'zsmu'. Did you mean 'zsum'?",
        "bad.yaml: search.retrievers.dense.needs.embeder: retriever 'dense' takes no such need."
        " Did you mean 'embedder'?",
        "bad.yaml: search.retrievers.pages.k1: input should be less than or equal to 10 (found 99)",
        "bad.yaml: search.retrievers.pages.levle: unknown key. Did you mean 'level'?",
        "bad.yaml: store.use: no store named 'egde'. Did you mean 'edge'?",
    ]


def test_options_of_a_need_are_checked_where_they_stand(registry: Registry) -> None:
    override = "search.retrievers.dense.needs.embedder={use: minilm, dmi: 3}"
    assert problems("laptop", registry, override) == [
        "laptop: search.retrievers.dense.needs.embedder.dmi: unknown key."
    ]


def test_a_wrong_default_is_told_once_and_not_by_everything_that_needs_it(registry: Registry) -> None:
    assert problems("laptop", registry, "embedder.dim=3") == ["laptop: embedder.dim: unknown key."]


def test_a_need_that_nothing_meets_is_told(registry: Registry) -> None:
    (problem,) = problems("laptop", registry, "judge=needy")
    assert problem == "laptop: judge: judge 'needy' needs a fusion and the configuration names none"


def test_a_secret_of_the_wrong_kind_is_not_shown(registry: Registry) -> None:
    (problem,) = problems("laptop", registry, "search.retrievers.pages.api_key=12345")
    assert "12345" not in problem
    assert "search.retrievers.pages.api_key" in problem


def test_a_message_about_options_keeps_the_place_of_the_file(registry: Registry) -> None:
    source = write("deep/bad.yaml", "extends: ../base.yaml")
    write("base.yaml", "search: {fuse: zsmu}")
    assert problems(source, registry)[0].startswith(f"{Path('deep/bad.yaml')}: search.fuse.use: ")


def test_preflight_names_the_extra_once_and_leaves_optional_stages_alone(registry: Registry) -> None:
    config = load(
        "laptop", ["embedder=large", "search.retrievers.more={use: dense, needs: {embedder: large}}"], registry=registry
    )
    assert check(config, registry) == []
    (problem,) = preflight(config, registry)
    assert isinstance(problem, MissingExtra)
    assert "pip install 'ragsys[vision]'" in str(problem)


# -- what is shown --------------------------------------------------------------------------------------------------


def test_secrets_are_redacted_and_do_not_change_the_hash(registry: Registry) -> None:
    def of(key: str) -> Config:
        return load("laptop", [f"search.retrievers.pages.api_key={key}"], registry=registry)

    shown = yaml.safe_dump(of("sesame").dump())
    assert "sesame" not in shown
    assert "'***'" in shown
    assert "sesame" in yaml.safe_dump(of("sesame").dump(redact=False))
    assert of("sesame").hash == of("other").hash != load("laptop", registry=registry).hash


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("api_key", "abc", "***"),
        ("apikey", "abc", "***"),
        ("token", "abc", "***"),
        ("Authorization", "Bearer abc", "***"),
        ("password", 12345, "***"),
        ("url", "https://me:abc@host/x", "https://me:***@host/x"),
        ("url", "https://host:6333/x", "https://host:6333/x"),
        ("tokens", "abc", "abc"),
        ("monkey", "abc", "abc"),
        ("api_key", "", ""),
        ("password", None, None),
        ("token", True, True),
    ],
)
def test_what_is_a_secret(registry: Registry, key: str, value: Any, shown: Any) -> None:
    store = Spec.model_validate({"use": "edge", key: value, "deep": [{key: value}]})
    config = load("laptop", registry=registry).model_copy(update={"store": store})
    dumped = config.dump()["store"]
    assert dumped[key] == shown
    assert dumped["deep"] == [{key: shown}]


def test_a_dump_is_itself_a_configuration(registry: Registry) -> None:
    config = load("laptop", ["search.candidates=9"], registry=registry)
    again = load(write("again.yaml", yaml.safe_dump(config.dump(redact=False))), registry=registry)
    assert again == config


def test_every_key_is_described() -> None:
    def undescribed(model: Any, where: str = "") -> list[str]:
        found = []
        for name, field in model.model_fields.items():
            nested = field.annotation
            if isinstance(nested, type) and hasattr(nested, "model_fields") and nested is not Spec:
                found += undescribed(nested, f"{where}{name}.")
            elif not field.description:
                found.append(where + name)
        return found

    assert undescribed(Config) == []


# -- merging --------------------------------------------------------------------------------------------------------

_values = st.recursive(
    st.integers() | st.booleans() | st.none(),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=8,
)
_mappings = st.dictionaries(st.sampled_from("abc"), _values)


@given(_mappings, _mappings)
def test_merging_keeps_its_inputs_and_the_changes_win(base: dict[str, Any], changes: dict[str, Any]) -> None:
    before = (repr(base), repr(changes))
    result = merged(base, changes)
    assert (repr(base), repr(changes)) == before
    assert set(result) == set(base) | set(changes)
    assert merged(result, changes) == result
    for key, value in changes.items():
        assert isinstance(value, dict) or result[key] == value


@given(_mappings)
def test_merging_nothing_changes_nothing(base: dict[str, Any]) -> None:
    assert merged(base, {}) == base
    assert merged({}, base) == base


def test_another_use_drops_the_old_options() -> None:
    base = {"store": {"use": "edge", "wal": True}}
    assert merged(base, {"store": {"use": "server", "url": "u"}}) == {"store": {"use": "server", "url": "u"}}
    assert merged(base, {"store": {"use": "edge", "sync": 1}}) == {"store": {"use": "edge", "wal": True, "sync": 1}}
    assert merged(base, {"store": "server"}) == {"store": "server"}
    assert merged({"store": "edge"}, {"store": {"wal": True}}) == {"store": {"use": "edge", "wal": True}}


def test_unknown_components_are_told_beside_errors_of_the_schema() -> None:
    given = (
        "search.nonsense=1",
        "generator=nobody",
        "search.fuse=nothing",
        "answer.agent={use: nowhere}",
        "loaders.more=nil",
        "search.retrievers.more={use: nil}",
    )
    with pytest.raises(ConfigError) as caught:
        load(None, given)
    for text in ("search.nonsense: unknown key", "generator.use: no generator named 'nobody'"):
        assert text in caught.value.message
    for text in ("loaders.more.use: no loader named 'nil'", "search.retrievers.more.use: no retriever named 'nil'"):
        assert text in caught.value.message
    for text in ("search.fuse.use: no fusion named 'nothing'", "answer.agent.use: no agent named 'nowhere'"):
        assert text in caught.value.message
