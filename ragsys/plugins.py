"""Plugins: discover them, list what they bring, refuse duplicates, build components by name and wire their needs."""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.metadata
import json
import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from ragsys import hookspecs
from ragsys.errors import ConfigError, MissingExtra, PluginError, did_you_mean
from ragsys.types import Event

if TYPE_CHECKING:
    from ragsys.config import Spec
    from ragsys.options import Options

log = logging.getLogger("ragsys.plugins")
_T = TypeVar("_T", "Component", "Resource")


@dataclass(frozen=True, slots=True)
class Component:
    """What a plugin offers for one role under one name.

    `target` is "module:Class" and is imported when the component is built; so is `options` when it is given as such a
    string. `needs` maps constructor arguments to roles ({"embedder": "embedder"}). `requires` names importable packages
    that come with `extra`. `version` is raised whenever equal options give other results: it is in the fingerprint.
    """

    role: str
    name: str
    target: str
    options: type[Options] | str = "ragsys.options:Options"
    needs: Mapping[str, str] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    extra: str | None = None
    summary: str = ""
    version: int = 1
    suffixes: tuple[str, ...] = ()  # of a loader: the file endings it takes, known without importing it
    accepts: tuple[str, ...] = ()  # of a suite: files that a folder must all hold to be known as its own; () never is
    always: bool = False  # of a metric: it is told of every run, beside the metrics of the suite


@dataclass(frozen=True, slots=True)
class Resource:
    """A file inside a package: a preset (`name` as in `--config NAME`) or a prompt."""

    kind: str  # "preset" | "prompt"
    name: str
    package: str
    path: str  # inside the package, with forward slashes

    def read(self) -> str:
        """Its text. Raises `PluginError` if the package does not hold it."""
        from importlib import resources

        try:
            return resources.files(self.package).joinpath(self.path).read_text(encoding="utf-8")
        except (OSError, ModuleNotFoundError) as error:
            raise PluginError(
                f"{self.kind} '{self.name}': {self.package} holds no '{self.path}' ({error})",
                hint=f"reinstall the package that brings '{self.package}'",
            ) from error


@dataclass(frozen=True, slots=True)
class Broken:
    """A plugin that could not be loaded."""

    plugin: str
    distribution: str
    error: str


class DuplicateName(PluginError):
    """Two plugins bring the same name."""

    def __init__(self, kind: str, name: str, first: str, second: str) -> None:
        super().__init__(
            f"two plugins bring a {kind} named '{name}': '{first}' and '{second}'",
            hint="uninstall one of them        who brings what: pip list",
        )


def load_target(target: str) -> Any:
    """The object that "module:attribute" names."""
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)


class Registry:
    """Everything the installed plugins bring. Broken plugins are recorded; they matter only when one is needed."""

    def __init__(self) -> None:
        self.manager = pluggy.PluginManager(hookspecs.GROUP)
        self.manager.add_hookspecs(hookspecs)
        self.broken: list[Broken] = []
        self._components: dict[tuple[str, str], tuple[Component, str]] = {}
        self._resources: dict[tuple[str, str], tuple[Resource, str]] = {}

    @classmethod
    def discover(cls) -> Registry:
        """The core's own and those of all installed distributions, by name.

        Pluggy's own loading would end at the first broken one; here it is recorded in `broken`.
        """
        from ragsys import builtin

        registry = cls()
        registry.add(builtin, "core")
        points = importlib.metadata.entry_points(group=hookspecs.GROUP)
        for point in sorted({(p.name, p.value): p for p in points}.values(), key=lambda p: (p.name, p.value)):
            distribution = point.dist.name if point.dist else "?"
            try:
                registry.add(point.load(), point.name)
            except DuplicateName:
                raise  # which of the two is meant is the user's to say
            except Exception as error:  # a plugin's import may raise anything; the run goes on without it
                reason = error.message if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"
                registry.broken.append(Broken(point.name, distribution, reason))
                log.info("plugin %s is broken", point.name, exc_info=True)
        return registry

    def add(self, module: object, name: str) -> None:
        """Register one plugin: all that it declares, or nothing.

        Raises `DuplicateName` where another plugin has a name of its already, `PluginError` on an unknown hook or an
        invalid declaration.
        """
        if self.manager.has_plugin(name):
            raise DuplicateName("plugin", name, name, name)
        try:
            self.manager.register(module, name)
            self.manager.check_pending()
            components = {(item.role, item.name): item for item in self._declared(module, name, Component)}
            resources = {(item.kind, item.name): item for item in self._declared(module, name, Resource)}
            self._refuse_taken(self._components, components, name)
            self._refuse_taken(self._resources, resources, name)
        except (pluggy.PluginValidationError, ValueError) as error:
            self._forget(name)
            raise PluginError(f"plugin '{name}' is not valid: {error}") from error
        except Exception:
            self._forget(name)
            raise
        self._components.update({key: (item, name) for key, item in components.items()})
        self._resources.update({key: (item, name) for key, item in resources.items()})

    def _forget(self, name: str) -> None:
        # a refused plugin's hooks would fail the check of every plugin that comes after it
        if self.manager.has_plugin(name):
            self.manager.unregister(name=name)

    @staticmethod
    def _declared(module: object, plugin: str, kind: type[_T]) -> list[_T]:
        hook = {Component: "ragsys_components", Resource: "ragsys_resources"}[kind]
        items: list[_T] = list(getattr(module, hook)()) if hasattr(module, hook) else []
        seen = set()
        for item in items:
            if not isinstance(item, kind):
                raise ValueError(f"{hook} gives {type(item).__name__} where a {kind.__name__} is expected")
            key = (item.role, item.name) if isinstance(item, Component) else (item.kind, item.name)
            if key in seen:
                raise DuplicateName(*key, plugin, plugin)
            seen.add(key)
        return items

    @staticmethod
    def _refuse_taken(
        table: Mapping[tuple[str, str], tuple[Any, str]], new: Iterable[tuple[str, str]], by: str
    ) -> None:
        for key in new:
            if key in table:
                raise DuplicateName(*key, table[key][1], by)

    @property
    def names(self) -> list[str]:
        """The loaded plugins' names."""
        return sorted(name for name, plugin in self.manager.list_name_plugin() if plugin is not None)

    def components(self, role: str | None = None) -> list[tuple[Component, str]]:
        """(component, plugin name) of a role or of all, by role and name."""
        return [self._components[key] for key in sorted(self._components) if role in (None, key[0])]

    def resources(self, kind: str) -> dict[str, Resource]:
        """{name: resource} of a kind."""
        return {name: item for (of, name), (item, _) in sorted(self._resources.items()) if of == kind}

    def find(self, role: str, name: str) -> Component:
        """The component. Raises `ConfigError` that lists what there is, and names a broken plugin that may bring it."""
        if (role, name) in self._components:
            return self._components[role, name][0]
        known = {component.name: plugin for component, plugin in self.components(role)}
        listing = ", ".join(f"{n} (plugin {p})" for n, p in known.items()) or "none"
        hint = f"installed {role}s: {listing}        see them all: ragsys plugins"
        for broken in self.broken:
            hint += f"\nplugin '{broken.plugin}' of {broken.distribution} could not be loaded: {broken.error}"
        raise ConfigError(f"no {role} named '{name}'.{did_you_mean(name, known)}", hint=hint)

    def prompt(self, name: str) -> str:
        """A prompt's text. Raises `ConfigError` if no plugin brings it."""
        prompts = self.resources("prompt")
        if name not in prompts:
            raise ConfigError(
                f"no prompt named '{name}'.{did_you_mean(name, prompts)}",
                hint=f"prompts: {', '.join(prompts)}",
            )
        return prompts[name].read()

    def notify(self, event: Event) -> None:
        """Show an event to every observer."""
        for implementation in self.manager.hook.ragsys_on_event.get_hookimpls():
            try:
                implementation.function(event)
            except Exception:  # an observer never ends the run that it watches
                log.warning("plugin %s failed on an event", implementation.plugin_name, exc_info=True)


@functools.cache
def registry() -> Registry:
    """The installed plugins, discovered once a process."""
    return Registry.discover()


class Builder:
    """Builds components of one configuration; equal specifications share one instance."""

    def __init__(self, registry: Registry, defaults: Mapping[str, Spec], state: Path, cache: Path) -> None:
        self.registry = registry
        self.defaults = defaults  # role -> specification, for needs that name nothing
        self.state = state
        self.cache = cache
        self._built: dict[str, Any] = {}
        self._given: dict[str, Any] = {}
        self._guard = threading.RLock()  # a component may need another

    def give(self, role: str, instance: Any) -> None:
        """Use this instance for every need of a role (the library's open store, a test's fake)."""
        self._given[role] = instance

    def options(self, role: str, spec: Spec) -> Options:
        """The validated options of a specification."""
        return options_type(self.registry.find(role, spec.use)).model_validate(spec.options)

    def needs(self, role: str, spec: Spec) -> dict[str, tuple[str, Spec]]:
        """{argument: (role, specification)} of what the component must be given."""
        component = self.registry.find(role, spec.use)
        found = {}
        for argument, needed in component.needs.items():
            chosen = spec.needs.get(argument) or self.defaults.get(needed)
            if chosen is None:
                article = "an" if needed[0] in "aeio" else "a"
                raise ConfigError(
                    f"{role} '{spec.use}' needs {article} {needed} and the configuration names none",
                    hint=f"add a line:  {needed}: {{use: NAME}}        see them all: ragsys plugins",
                )
            found[argument] = (needed, chosen)
        return found

    def fingerprint(self, role: str, spec: Spec, _path: tuple[str, ...] = ()) -> str:
        """12 hex digits of everything that decides the component's results. Raises `ConfigError` on a cycle."""
        component = self.registry.find(role, spec.use)
        here = f"{role} '{spec.use}'"
        if here in _path:
            raise ConfigError(f"components need each other in a circle: {' -> '.join((*_path, here))}")
        content = {
            "role": role,
            "name": spec.use,
            "version": component.version,
            "options": self.options(role, spec).decisive(),
            # the store holds results, it does not change them: the same layer may live in two stores
            "needs": {
                argument: self.fingerprint(needed, chosen, (*_path, here))
                for argument, (needed, chosen) in self.needs(role, spec).items()
                if needed != "store"
            },
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]

    def lineage(self, role: str, spec: Spec) -> str:
        """12 hex digits of the component's name, its version and its needs, whatever its options are: what it makes
        that depends on none of them is kept under it. Raises what `fingerprint` raises."""
        needs = self.needs(role, spec).items()
        content = [
            role,
            spec.use,
            self.registry.find(role, spec.use).version,
            {argument: self.fingerprint(needed, chosen) for argument, (needed, chosen) in needs if needed != "store"},
        ]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]

    def build(self, role: str, spec: Spec) -> Any:
        """The component's one instance, whichever thread asks first. Raises `MissingExtra`, `ConfigError` or what its
        constructor raises."""
        with self._guard:
            return self._build(role, spec)

    def _build(self, role: str, spec: Spec) -> Any:
        from ragsys.protocols import Context

        component = self.registry.find(role, spec.use)
        options = self.options(role, spec)
        needs = self.needs(role, spec)
        fingerprint = self.fingerprint(role, spec)
        given = {
            argument: self._given[needed] if needed in self._given else self.build(needed, chosen)
            for argument, (needed, chosen) in needs.items()
        }
        # settings that change no result (threads, passwords), here or in a need, still make another instance
        key = f"{fingerprint}:{options.everything()}:{sorted((name, id(need)) for name, need in given.items())}"
        if key not in self._built:
            # a store's place does not depend on its options: other settings open the same points
            folder = "store" if role == "store" else f"{role}-{spec.use}-{fingerprint}"
            context = Context(self.state / folder, self.cache, fingerprint)
            target = self._target(component)
            if role == "agent":  # a generator function, not a class: see `ragsys.actions`
                self._built[key] = functools.partial(target, options=options, **given)
            else:
                self._built[key] = target(options, context, **given)
        return self._built[key]

    @staticmethod
    def _target(component: Component) -> Any:
        missing = missing_package(component)
        if missing:
            raise MissingExtra(component.role, component.name, missing, component.extra)
        return _load(component, component.target)


def options_type(component: Component) -> type[Options]:
    """The model of a component's options. Raises `PluginError` where it cannot be loaded."""
    options: type[Options] | str = component.options
    return _load(component, options) if isinstance(options, str) else options


def _load(component: Component, target: str) -> Any:
    """What a declaration names. An error of its own import is told with its plugin, never as a bare traceback."""
    try:
        return load_target(target)
    except (ImportError, AttributeError) as error:
        raise PluginError(f"{component.role} '{component.name}': '{target}' cannot be loaded: {error}") from error


def missing_package(component: Component) -> str | None:
    """The first package that the component requires and that is not installed; nothing is imported."""
    import importlib.util

    def found(name: str) -> bool:
        try:
            return importlib.util.find_spec(name) is not None
        except ModuleNotFoundError:  # of "a.b" where there is no "a"
            return False

    return next((name for name in component.requires if not found(name)), None)
