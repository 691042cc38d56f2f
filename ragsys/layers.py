"""Which layers a configuration makes, by fingerprint: pages (of a loader), passages (of a splitter), named vectors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ragsys.config import Config, Spec
from ragsys.plugins import Builder
from ragsys.protocols import Digesting
from ragsys.records import FIELDS, RECURRING
from ragsys.store import Schema
from ragsys.types import VectorSpec

if TYPE_CHECKING:
    from ragsys.protocols import Loader, Ranker, Retriever, Splitter

#: Raised when the form of the records changes, so that old layers are made anew.
FORMAT = 2


def _hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps([FORMAT, *parts]).encode()).hexdigest()[:12]


@lru_cache(maxsize=65_536)  # asked for every document of every search
def _suffix(path: str) -> str:
    return PurePosixPath(path).suffix.lower()


@dataclass(frozen=True)
class Layers:
    """The layers of one configuration. Components are built only when something asks for them."""

    config: Config
    builder: Builder
    _passages: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def suffixes(self) -> dict[str, str]:
        """{file ending: loader's name in the configuration}; the first loader that takes an ending has it."""
        taken: dict[str, str] = {}
        for name, spec in self.config.loaders.items():
            for suffix in self.builder.registry.find("loader", spec.use).suffixes:
                taken.setdefault(suffix, name)
        return taken

    def loader_name(self, path: str) -> str | None:
        """The loader that takes a path, by its ending."""
        return self.suffixes.get(_suffix(path))

    def loader(self, path: str) -> Loader:
        """The loader of a path that `loader_name` knows."""
        loader: Loader = self.builder.build("loader", self.config.loaders[self.loader_name(path) or ""])
        return loader

    def plain(self, path: str) -> str:
        """The page layer that the loader's own rules make of a path."""
        return self._plain[self.loader_name(path) or ""]

    @cached_property
    def _plain(self) -> dict[str, str]:
        # fingerprints validate options: too slow for every document of every search
        return {
            name: _hash("pages", self.builder.fingerprint("loader", spec)) for name, spec in self.config.loaders.items()
        }

    def refined(self, path: str) -> str | None:
        """The page layer that the layout model makes of a path; None if the configuration asks for none."""
        if not self.config.index.layout:
            return None
        return self._refined[self.plain(path)]

    @cached_property
    def _refined(self) -> dict[str, str]:
        model = self.builder.fingerprint("layout", self.config.layout)
        return {plain: _hash("refined", plain, model) for plain in self._plain.values()}

    def passages(self, page_layer: str) -> str:
        """The passage layer that the splitter makes of a page layer."""
        if page_layer not in self._passages:
            self._passages[page_layer] = _hash("passages", page_layer, self._splitting)
        return self._passages[page_layer]

    @cached_property
    def _splitting(self) -> str:
        return self.builder.fingerprint("splitter", self.config.splitter)

    @cached_property
    def page_layers(self) -> tuple[str, ...]:
        """Every page layer that a search of this configuration may see."""
        found = {
            layer: None
            for suffix in self.suffixes
            for layer in (self.plain("x" + suffix), self.refined("x" + suffix))
            if layer
        }
        return tuple(found)

    @cached_property
    def passage_layers(self) -> tuple[str, ...]:
        """Every passage layer that a search of this configuration may see."""
        return tuple(self.passages(layer) for layer in self.page_layers)

    @cached_property
    def splitter(self) -> Splitter:
        """The configured splitter."""
        splitter: Splitter = self.builder.build("splitter", self.config.splitter)
        return splitter

    def retriever(self, spec: Spec) -> Retriever:
        """A configured retriever."""
        retriever: Retriever = self.builder.build("retriever", spec)
        return retriever

    @cached_property
    def retrievers(self) -> dict[str, Retriever]:
        """{name in the configuration: retriever}; constructed, not warmed up."""
        return {name: self.retriever(spec) for name, spec in self.config.search.lists.items()}

    @cached_property
    def vectors(self) -> dict[str, VectorSpec]:
        """{name: spec} of every named vector that the retrievers search."""
        return {spec.name: spec for retriever in self.retrievers.values() for spec in retriever.specs}

    def makers(self, *, eager: bool) -> dict[str, tuple[VectorSpec, Retriever]]:
        """{vector name: (spec, retriever that encodes it)} of the cheap vectors, or of the later ones."""
        return {
            spec.name: (spec, retriever)
            for retriever in self.retrievers.values()
            if retriever.eager == eager
            for spec in retriever.specs
        }

    @cached_property
    def ranker(self) -> Ranker | None:
        """The configured ranker."""
        spec = self.config.search.rank
        return self.builder.build("ranker", spec) if spec else None

    @cached_property
    def digesting(self) -> Digesting | None:
        """The ranker, if it reads pages in a form of its own."""
        return self.ranker if isinstance(self.ranker, Digesting) else None

    @cached_property
    def digests(self) -> str:
        """What the digests of `digesting` are kept under; empty without one."""
        spec = self.config.search.rank
        return self.builder.lineage("ranker", spec) if spec and self.digesting else ""

    @property
    def schema(self) -> Schema:
        """What the store must hold."""
        return Schema(self.vectors, FIELDS, RECURRING)

    def names(self) -> Mapping[str, str]:
        """{fingerprint or vector name: what a person calls it}: the retriever's name, "pages", "passages"."""
        named = dict.fromkeys(self.page_layers, "pages") | dict.fromkeys(self.passage_layers, "passages")
        for name, retriever in self.retrievers.items():
            named |= {spec.name: name for spec in retriever.specs}
        return named
