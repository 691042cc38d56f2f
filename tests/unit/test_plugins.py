"""Plugins: all of one or nothing of it, duplicates refused, broken ones recorded, needs wired, instances shared."""

from __future__ import annotations

import importlib.metadata
import re
import time
import types
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field, SecretStr

from ragsys.config import Spec
from ragsys.errors import ConfigError, MissingExtra, PluginError
from ragsys.hookspecs import hookimpl
from ragsys.options import Options, incidental
from ragsys.plugins import Builder, Component, DuplicateName, Registry, Resource, load_target, missing_package
from ragsys.types import Event


class Size(Options):
    """Options of the parts below."""

    dim: int = Field(3, ge=1)
    threads: int = incidental(1, description="changes no result")
    api_key: SecretStr | None = None


class Part:
    """A component that keeps what it was built with."""

    def __init__(self, options: Options, context: Any, **needs: Any) -> None:
        self.options, self.context, self.needs = options, context, needs


def part(role: str, name: str, **fields: Any) -> Component:
    return Component(role, name, f"{__name__}:Part", **fields)


def plugin(*components: Any, resources: tuple[Resource, ...] = (), **hooks: Callable[..., Any]) -> types.ModuleType:
    module = types.ModuleType("made_up")
    module.ragsys_components = hookimpl(lambda: list(components))  # type: ignore[attr-defined]
    module.ragsys_resources = hookimpl(lambda: list(resources))  # type: ignore[attr-defined]
    for name, hook in hooks.items():
        setattr(module, name, hookimpl(hook))
    return module


def registry(*components: Component) -> Registry:
    made = Registry()
    made.add(plugin(*components), "made-up")
    return made


def builder(made: Registry, tmp_path: Path, **defaults: str) -> Builder:
    chosen = {role: Spec(use=name) for role, name in defaults.items()}
    return Builder(made, chosen, tmp_path / "state", tmp_path / "cache")


class Point:
    """An entry point that loads what it is given, or fails."""

    dist = types.SimpleNamespace(name="made-up-distribution")

    def __init__(self, name: str, module: Any, value: str = "made_up") -> None:
        self.name, self.module, self.value = name, module, value

    def load(self) -> Any:
        if isinstance(self.module, Exception):
            raise self.module
        return self.module


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Registry]:
    def discover(*points: Point) -> Registry:
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: list(points))
        return Registry.discover()

    return discover


# -- what is registered ---------------------------------------------------------------------------------------------


def test_components_are_listed_by_role_and_name_with_their_plugin() -> None:
    made = registry(part("fusion", "zsum"), part("cut", "top"), part("fusion", "rrf"))
    listed = [(c.role, c.name, p) for c, p in made.components()]
    assert listed == [("cut", "top", "made-up"), ("fusion", "rrf", "made-up"), ("fusion", "zsum", "made-up")]
    assert [c.name for c, _ in made.components("fusion")] == ["rrf", "zsum"]
    assert made.names == ["made-up"]


def test_a_duplicate_names_both_plugins_and_leaves_the_first_as_it_was() -> None:
    made = registry(part("fusion", "rrf"))
    with pytest.raises(DuplicateName, match=r"two plugins bring a fusion named 'rrf': 'made-up' and 'other'"):
        made.add(plugin(part("cut", "new"), part("fusion", "rrf")), "other")
    assert made.names == ["made-up"]
    assert [c.name for c, _ in made.components()] == ["rrf"], "nothing of the refused plugin may stay"


def test_a_name_given_twice_by_one_plugin_is_refused() -> None:
    with pytest.raises(DuplicateName):
        registry(part("cut", "top"), part("cut", "top"))


def test_equal_names_of_different_roles_do_not_clash() -> None:
    assert len(registry(part("cut", "top"), part("fusion", "top")).components()) == 2


def test_duplicate_resources_are_refused() -> None:
    made = Registry()
    made.add(plugin(resources=(Resource("preset", "mine", "ragsys", "a.yaml"),)), "one")
    with pytest.raises(DuplicateName, match="preset named 'mine'"):
        made.add(plugin(resources=(Resource("preset", "mine", "ragsys", "b.yaml"),)), "two")


def test_a_misspelt_hook_is_an_error_and_does_not_spoil_the_next_plugin() -> None:
    made = Registry()
    with pytest.raises(PluginError, match="ragsys_component"):
        made.add(plugin(ragsys_component=lambda: None), "misspelt")
    made.add(plugin(part("cut", "top")), "next")
    assert made.names == ["next"]


def test_a_hook_that_asks_for_an_unknown_argument_is_an_error() -> None:
    def ragsys_on_event(evnt: Event) -> None:
        raise AssertionError

    with pytest.raises(PluginError, match="not valid"):
        Registry().add(plugin(ragsys_on_event=ragsys_on_event), "wrong")


def test_a_declaration_of_the_wrong_type_is_an_error() -> None:
    with pytest.raises(PluginError, match="gives str where a Component is expected"):
        Registry().add(plugin("rrf"), "wrong")


# -- what is discovered ---------------------------------------------------------------------------------------------


def test_the_core_brings_its_presets_as_a_plugin(installed: Callable[..., Registry]) -> None:
    found = installed()
    assert found.names == ["core"]
    assert "laptop" in found.resources("preset")


def test_a_plugin_that_fails_to_import_is_recorded_and_the_rest_is_loaded(installed: Callable[..., Registry]) -> None:
    found = installed(Point("bad", ImportError("no module named 'x'")), Point("good", plugin(part("cut", "top"))))
    assert found.names == ["core", "good"]
    (broken,) = found.broken
    assert (broken.plugin, broken.distribution) == ("bad", "made-up-distribution")
    assert broken.error == "ImportError: no module named 'x'"


def test_a_plugin_whose_hook_fails_is_recorded_and_the_rest_is_loaded(installed: Callable[..., Registry]) -> None:
    bad = types.ModuleType("bad")
    bad.ragsys_components = hookimpl(lambda: 1 / 0)  # type: ignore[attr-defined]
    found = installed(Point("bad", bad), Point("good", plugin(part("cut", "top"))))
    assert [broken.plugin for broken in found.broken] == ["bad"]
    assert found.names == ["core", "good"]


def test_a_broken_plugin_matters_only_where_something_is_missing(installed: Callable[..., Registry]) -> None:
    found = installed(Point("bad", ImportError("no x")), Point("good", plugin(part("cut", "top"))))
    assert found.find("cut", "top").name == "top"
    with pytest.raises(ConfigError) as caught:
        found.find("cut", "knee")
    assert "plugin 'bad' of made-up-distribution could not be loaded: ImportError: no x" in str(caught.value)


def test_duplicates_among_distributions_are_an_error_of_discovery(installed: Callable[..., Registry]) -> None:
    with pytest.raises(DuplicateName):
        installed(Point("a", plugin(part("cut", "top"))), Point("b", plugin(part("cut", "top"))))


def test_an_entry_point_seen_twice_is_one_plugin(installed: Callable[..., Registry]) -> None:
    module = plugin(part("cut", "top"))
    assert installed(Point("a", module), Point("a", module)).names == ["a", "core"]


def test_two_distributions_with_one_plugin_name_are_refused(installed: Callable[..., Registry]) -> None:
    with pytest.raises(DuplicateName, match="a plugin named 'a'"):
        installed(Point("a", plugin(), value="one"), Point("a", plugin(), value="two"))


# -- what is found --------------------------------------------------------------------------------------------------


def test_an_unknown_name_gets_a_suggestion_and_the_list() -> None:
    made = registry(part("fusion", "rrf"), part("fusion", "zsum"))
    with pytest.raises(ConfigError) as caught:
        made.find("fusion", "zsmu")
    assert caught.value.message == "no fusion named 'zsmu'. Did you mean 'zsum'?"
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("installed fusions: rrf (plugin made-up), zsum (plugin made-up)")


def test_an_unknown_role_lists_none() -> None:
    with pytest.raises(ConfigError, match="installed judges: none"):
        Registry().find("judge", "any")


def test_an_unknown_prompt_gets_a_suggestion() -> None:
    made = Registry()
    made.add(plugin(resources=(Resource("prompt", "write", "ragsys", "prompts/write.md"),)), "one")
    with pytest.raises(ConfigError, match=re.escape("no prompt named 'wriet'. Did you mean 'write'?")):
        made.prompt("wriet")


def test_a_resource_that_its_package_lacks_says_so() -> None:
    with pytest.raises(PluginError, match=re.escape("holds no 'none.md'")):
        Resource("prompt", "none", "ragsys", "none.md").read()
    with pytest.raises(PluginError, match="reinstall"):
        Resource("prompt", "none", "no_such_package_here", "none.md").read()


def test_a_resource_of_a_package_is_read() -> None:
    assert Resource("source", "plugins", "ragsys", "plugins.py").read().startswith('"""Plugins')


def test_a_failing_observer_does_not_stop_the_others() -> None:
    seen = []

    def fails(event: Event) -> None:
        raise RuntimeError

    made = Registry()
    made.add(plugin(ragsys_on_event=lambda event: seen.append(event)), "watches")
    made.add(plugin(ragsys_on_event=fails), "fails")
    made.notify(Event("text", "a"))
    assert [event.text for event in seen] == ["a"]


def test_missing_package_imports_nothing() -> None:
    assert missing_package(part("cut", "top", requires=("json", "no_such_package_here"))) == "no_such_package_here"
    assert missing_package(part("cut", "top", requires=("json",))) is None
    assert missing_package(part("cut", "top", requires=("no_such_package_here.part",))) == "no_such_package_here.part"


def test_load_target_gives_the_named_object() -> None:
    assert load_target(f"{__name__}:Part").__name__ == "Part"


# -- what is built --------------------------------------------------------------------------------------------------


def test_a_component_gets_its_options_its_folder_and_its_needs(tmp_path: Path) -> None:
    made = registry(part("embedder", "small", options=Size), part("retriever", "dense", needs={"embedder": "embedder"}))
    build = builder(made, tmp_path, embedder="small")
    dense = build.build("retriever", Spec(use="dense"))
    assert isinstance(dense.needs["embedder"].options, Size)
    assert dense.context.state == tmp_path / "state" / f"retriever-dense-{dense.context.fingerprint}"
    assert not dense.context.state.exists(), "a component makes its folder when it has something to keep"


def test_equal_specifications_share_one_instance(tmp_path: Path) -> None:
    made = registry(
        part("embedder", "small", options=Size),
        part("retriever", "dense", needs={"embedder": "embedder"}),
        part("cut", "gap", needs={"embedder": "embedder"}),
    )
    build = builder(made, tmp_path, embedder="small")
    dense, gap = build.build("retriever", Spec(use="dense")), build.build("cut", Spec(use="gap"))
    assert dense.needs["embedder"] is gap.needs["embedder"]
    other = build.build("cut", Spec.model_validate({"use": "gap", "needs": {"embedder": {"use": "small", "dim": 4}}}))
    assert other is not gap
    assert other.needs["embedder"].options.dim == 4


class SlowPart(Part):
    """A component whose construction takes a moment."""

    def __init__(self, options: Options, context: Any, **needs: Any) -> None:
        time.sleep(0.05)
        super().__init__(options, context, **needs)


def test_threads_that_ask_at_once_share_one_instance(tmp_path: Path) -> None:
    build = builder(registry(Component("embedder", "slow", f"{__name__}:SlowPart")), tmp_path)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: build.build("embedder", Spec(use="slow")), range(4)))
    assert len({id(one) for one in found}) == 1


def test_options_that_change_no_result_make_another_instance_of_equal_fingerprint(tmp_path: Path) -> None:
    build = builder(registry(part("embedder", "small", options=Size)), tmp_path)
    one, two = (Spec.model_validate({"use": "small", "threads": n}) for n in (1, 2))
    assert build.fingerprint("embedder", one) == build.fingerprint("embedder", two)
    assert build.build("embedder", one) is not build.build("embedder", two)


@pytest.mark.parametrize(
    ("changes", "equal"),
    [({}, True), ({"dim": 3}, True), ({"dim": 4}, False), ({"threads": 8}, True), ({"api_key": "secret"}, True)],
)
def test_the_fingerprint_holds_what_decides_results(tmp_path: Path, changes: dict[str, Any], equal: bool) -> None:
    build = builder(registry(part("embedder", "small", options=Size)), tmp_path)
    base = build.fingerprint("embedder", Spec(use="small"))
    assert re.fullmatch(r"[0-9a-f]{12}", base)
    changed = build.fingerprint("embedder", Spec.model_validate({"use": "small", **changes}))
    assert (changed == base) is equal


def test_two_secrets_are_two_instances(tmp_path: Path) -> None:
    build = builder(registry(part("embedder", "small", options=Size)), tmp_path)
    one, two, again = (Spec.model_validate({"use": "small", "api_key": key}) for key in ("one", "two", "one"))
    assert build.build("embedder", one) is not build.build("embedder", two)
    assert build.build("embedder", one) is build.build("embedder", again)


def test_a_need_with_another_setting_makes_another_instance(tmp_path: Path) -> None:
    made = registry(part("embedder", "small", options=Size), part("retriever", "dense", needs={"embedder": "embedder"}))
    one, two = (
        Spec.model_validate({"use": "dense", "needs": {"embedder": {"use": "small", "threads": n}}}) for n in (1, 2)
    )
    build = builder(made, tmp_path)
    assert build.build("retriever", one).needs["embedder"].options.threads == 1
    assert build.build("retriever", two).needs["embedder"].options.threads == 2


def test_the_fingerprint_follows_version_and_needs_but_not_the_store(tmp_path: Path) -> None:
    def of(version: int, dim: int, store: str) -> str:
        made = registry(
            part("embedder", "small", options=Size, version=version),
            part("store", "a"),
            part("store", "b"),
            part("retriever", "dense", needs={"embedder": "embedder", "store": "store"}),
        )
        spec = {"use": "dense", "needs": {"embedder": {"use": "small", "dim": dim}, "store": store}}
        return builder(made, tmp_path).fingerprint("retriever", Spec.model_validate(spec))

    assert of(1, 3, "a") == of(1, 3, "b")
    assert len({of(1, 3, "a"), of(2, 3, "a"), of(1, 4, "a")}) == 3


def test_a_circle_of_needs_is_an_error_that_shows_it(tmp_path: Path) -> None:
    made = registry(part("cut", "a", needs={"judge": "judge"}), part("judge", "b", needs={"cut": "cut"}))
    with pytest.raises(ConfigError, match=re.escape("cut 'a' -> judge 'b' -> cut 'a'")):
        builder(made, tmp_path, cut="a", judge="b").build("cut", Spec(use="a"))


def test_a_need_that_nothing_meets_says_which_line_to_add(tmp_path: Path) -> None:
    made = registry(part("cut", "a", needs={"judge": "judge"}))
    with pytest.raises(ConfigError, match=re.escape("judge: {use: NAME}")):
        builder(made, tmp_path).build("cut", Spec(use="a"))


def test_an_instance_that_is_given_serves_every_need_of_its_role(tmp_path: Path) -> None:
    made = registry(part("store", "edge"), part("retriever", "bm25", needs={"store": "store"}))
    build = builder(made, tmp_path, store="edge")
    fake = object()
    build.give("store", fake)
    assert build.build("retriever", Spec(use="bm25")).needs["store"] is fake


def test_a_package_that_is_not_installed_names_its_extra(tmp_path: Path) -> None:
    made = registry(part("embedder", "large", requires=("no_such_package_here",), extra="vision"))
    with pytest.raises(MissingExtra, match=re.escape("pip install 'ragsys[vision]'")):
        builder(made, tmp_path).build("embedder", Spec(use="large"))


@pytest.mark.parametrize("target", ["no_such_module_here:Part", f"{__name__}:NoSuchClass"])
def test_a_target_that_cannot_be_loaded_names_its_component(tmp_path: Path, target: str) -> None:
    made = registry(Component("cut", "lost", target))
    with pytest.raises(PluginError, match="cut 'lost'"):
        builder(made, tmp_path).build("cut", Spec(use="lost"))


def test_options_may_be_named_as_a_string(tmp_path: Path) -> None:
    made = registry(part("embedder", "small", options=f"{__name__}:Size"))
    assert builder(made, tmp_path).build("embedder", Spec.model_validate({"use": "small", "dim": 9})).options.dim == 9
