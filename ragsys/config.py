"""One YAML -> a validated `Config`: presets with `extends`, `${ENV:-default}`, `--set a.b=c`, every error at once."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from ragsys.configfile import DEFAULT, based, expanded, merged, override, placed, read
from ragsys.errors import ConfigError, MissingExtra, RagsysError, did_you_mean
from ragsys.masking import masked, words
from ragsys.options import secret_fields
from ragsys.plainyaml import odd
from ragsys.plugins import Builder, Registry, missing_package, options_type

#: Roles whose stages may be left out: a component that cannot run here leaves its pages pending and says why itself.
OPTIONAL = ("ocr", "layout")
#: Where the configuration names components: at its top, and in `search` one or several of a role.
_ROLES = ("ocr", "layout", "splitter", "lexical", "embedder", "store", "generator", "judge")
_OF_SEARCH = {"fuse": "fusion", "rank": "ranker", "cut": "cut"}
_LISTS = {"rewriters": "rewriter", "postprocess": "postprocessor", "rerank": "reranker"}


class Spec(BaseModel):
    """Which component to use: `use`, what it `needs` (else the top-level choices), and its own options."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)

    use: str = Field(description="the component's name, as `ragsys plugins` lists it")
    needs: dict[str, Spec] = Field(default_factory=dict, description="other choices for what it must be given")

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {"use": value} if isinstance(value, str) else value

    @property
    def options(self) -> dict[str, Any]:
        """Everything but `use` and `needs`."""
        return dict(self.model_extra or {})

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """What `repr` shows: no secret."""
        for key, value in super().__repr_args__():
            yield key, masked(value, key or "") if key in self.options else value


class Section(BaseModel):
    """A part of the configuration. Unknown keys are errors: a misspelt key must never be silently without effect."""

    # a section is built with the whole that it is a part of, not once more by itself
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, defer_build=True)


def _seconds(value: Any) -> Any:
    """ "20s" and "2m" as seconds; anything else as it is."""
    if isinstance(value, str) and (match := re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([sm])\s*", value)):
        return float(match[1]) * (60 if match[2] == "m" else 1)
    return value


class Limits(Section):
    """Bounds on one document: documents are untrusted input."""

    bytes: int = Field(2 * 2**30, gt=0, description="larger files are not opened")
    pages: int = Field(20_000, gt=0, description="pages after this one are not read")
    page_seconds: float = Field(30.0, gt=0, description="CPU seconds; a page that takes longer is given up")
    document_seconds: float = Field(900.0, gt=0, description="CPU seconds; a document that takes longer is given up")
    draw_seconds: float = Field(20.0, gt=0, description="CPU seconds; a page that takes longer to draw is not shown")
    memory_mb: int = Field(1500, ge=256, description="a worker that holds more is ended")


class IndexConfig(Section):
    """How folders become libraries."""

    include: list[str] = Field(["**/*"], description="globs of files to index, relative to the folder")
    exclude: list[str] = Field(["**/.*", "**/.*/**", "**/~$*"], description="globs of files to leave alone")
    workers: int = Field(0, ge=0, le=64, description="parser processes; 0: one a core, at most 8")
    limits: Limits = Limits()
    ocr: Literal["auto", "never"] = Field("auto", description="auto: pages without text wait for OCR")
    layout: bool = Field(False, description="refine every page with the layout model, as a later stage")
    after: Annotated[float, BeforeValidator(_seconds)] = Field(
        20.0, ge=0, description="seconds that `ask` and `search` fill slow layers after their result is shown; 0: none"
    )
    prune_share: float = Field(
        0.2, ge=0, le=1, description="deletes nothing if a larger share of documents is gone at once ..."
    )
    prune_least: int = Field(5, ge=0, description="... and more than so many documents: of few, one is a large share")


class Rescore(Section):
    """What happens while a layer is incomplete: it rescores the shortlist of the complete ones, embedding on demand."""

    pages: int = Field(10, ge=0, description="pages of the shortlist that are rescored; 0 turns it off")
    passages: int = Field(24, ge=1, description="at most this many passages are embedded for one query")
    seconds: float = Field(
        5.0, ge=0, description="at most this long, and a quarter of the time that the question has left"
    )


class SearchConfig(Section):
    """How a query becomes hits."""

    rewriters: list[Spec] = Field([], description="turn a query into one or several, in this order")
    retrievers: dict[str, Spec | None] = Field(
        min_length=1,
        description="name -> retriever; null removes one that a preset brings",
    )
    candidates: int = Field(50, ge=1, le=10_000, description="pages asked of each retriever")
    fuse: Spec = Field(description="merges the retrievers' lists")
    rescore: Rescore = Rescore()
    rank: Spec | None = Field(None, description="orders the fused list with all that the search knows of its pages")
    postprocess: list[Spec] = Field([], description="move scores of the fused list, in this order")
    rerank: list[Spec] = Field([], description="order the hits by reading them, in this order")
    rerank_depth: int = Field(50, ge=1, description="hits that rerankers see")
    cut: Spec | None = Field(None, description="decides how many hits are worth reading")
    passages: int = Field(3, ge=0, description="best passages attached to a hit")

    @property
    def lists(self) -> dict[str, Spec]:
        """The retrievers that are not removed."""
        return {name: spec for name, spec in self.retrievers.items() if spec is not None}


class Budget(Section):
    """What one question may cost."""

    calls: int = Field(20, ge=0, description="model calls")
    tokens: int = Field(100_000, ge=0, description="input and output tokens of model calls")
    seconds: float = Field(120.0, gt=0, description="wall-clock")


class AnswerConfig(Section):
    """How a question becomes an answer."""

    agent: Spec = Field(description="decides what is searched, looked at and written")
    pages: int = Field(8, ge=1, le=100, description="evidence pages that an agent asks for")
    budget: Budget = Budget()
    cache: bool = Field(True, description="reuse model replies to equal requests")
    format: Literal["auto", "marks", "json"] = Field(
        "auto", description="how a model writes: text with marks, or JSON; auto: JSON where its generator asks for it"
    )
    strict: bool = Field(False, description="leave sentences that are not proved out of the answer's text")


class ChatConfig(Section):
    """How a conversation is carried on."""

    rewrite: Literal["auto", "rules"] = Field(
        "auto", description="who understands follow-ups; auto: the language model where there is one, else rules"
    )
    rewrite_seconds: float = Field(20.0, gt=0, description="a model that takes longer is not waited for: rules do")
    history_tokens: int = Field(
        1000, ge=0, description="of what was said before, given to the model: whole turns, then a line each"
    )


class Config(Section):
    """The whole configuration. The top-level components serve every need that names no other.

    No component has a default here: the core knows none by name. The presets choose them.
    """

    extends: str | None = Field(None, description="the preset or file that this one changes; null: none")
    loaders: dict[str, Spec] = Field(
        min_length=1,
        description="name -> reader of files; the first that takes a file's ending reads it; null removes one",
    )
    ocr: Spec = Field(description="reads pages that have no text")
    layout: Spec = Field(description="finds the blocks of a page with a model, where `index.layout` is on")
    splitter: Spec = Field(description="cuts pages into passages")
    lexical: Spec | None = Field(None, description="makes sparse vectors of words, for what needs them")
    embedder: Spec | None = Field(None, description="makes dense vectors, for what needs them")
    store: Spec = Field(description="keeps the points and searches them")
    generator: Spec = Field(description="writes answers")
    judge: Spec | None = Field(None, description="says whether a page supports a sentence, beside the rules")
    index: IndexConfig = IndexConfig()
    search: SearchConfig
    answer: AnswerConfig
    chat: ChatConfig = ChatConfig()

    @field_validator("loaders", mode="before")
    @classmethod
    def _without_removed(cls, value: Any) -> Any:
        return {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else value

    @property
    def defaults(self) -> dict[str, Spec]:
        """{role: specification} for needs that name nothing."""
        return {role: spec for role in _ROLES if (spec := getattr(self, role)) is not None}

    def components(self) -> list[tuple[str, str, Spec]]:
        """(where, role, specification) of every component that the configuration names."""
        found: list[tuple[str, str, Spec]] = [(role, role, spec) for role, spec in self.defaults.items()]
        found += [(f"loaders.{name}", "loader", spec) for name, spec in self.loaders.items()]
        search = self.search
        found += [(f"search.retrievers.{name}", "retriever", spec) for name, spec in search.lists.items()]
        for where, role, specs in (
            ("rewriters", "rewriter", search.rewriters),
            ("postprocess", "postprocessor", search.postprocess),
            ("rerank", "reranker", search.rerank),
        ):
            found += [(f"search.{where}.{n}", role, spec) for n, spec in enumerate(specs)]
        found.append(("search.fuse", "fusion", search.fuse))
        if search.rank is not None:
            found.append(("search.rank", "ranker", search.rank))
        if search.cut is not None:
            found.append(("search.cut", "cut", search.cut))
        found.append(("answer.agent", "agent", self.answer.agent))
        return found

    def dump(self, *, redact: bool = True) -> dict[str, Any]:
        """As JSON; what looks like a secret, or is one among the options of its component, is hidden."""
        data: dict[str, Any] = self.model_dump(mode="json", exclude={"extends"})
        if not redact:
            return data
        for where, role, spec in self.components():
            node: Any = data
            for key in where.split("."):
                node = node[int(key) if isinstance(node, list) else key]
            _hide(node, role, spec)
        shown: dict[str, Any] = masked(data)
        return shown

    @property
    def hash(self) -> str:
        """12 hex digits of the whole configuration without its secrets: names a run."""
        return _digest(self.dump())

    @property
    def shared(self) -> str:
        """12 hex digits of what all users of an open library must agree on: all but how each of them is answered."""
        return _digest({key: value for key, value in self.dump().items() if key not in ("answer", "chat")})


def _hide(node: dict[str, Any], role: str, spec: Spec) -> None:
    """Hide, in the JSON of a component and of what it needs, the options that are secrets by their type."""
    from ragsys.plugins import registry

    try:
        component = registry().find(role, spec.use)
        names = secret_fields(options_type(component))
    except RagsysError:  # one that is not installed: the names of its keys tell
        return
    node.update({key: masked(node[key], key, names) for key in names if key in node})
    for argument, chosen in spec.needs.items():
        if argument in component.needs:
            _hide(node["needs"][argument], component.needs[argument], chosen)


def _digest(data: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:12]


def load(
    source: Config | Mapping[str, Any] | str | Path | None = None,
    overrides: Sequence[str] = (),
    *,
    registry: Registry | None = None,
) -> Config:
    """The configuration of a preset's name or a YAML file (default: `$RAGSYS_CONFIG`, else the default preset).

    A mapping is read as the content of a file; a `Config` is given back. `overrides` are `a.b=value` with the value
    read as YAML. Raises `ConfigError` with every problem found.
    """
    if isinstance(source, Config):
        if overrides:
            raise ConfigError(
                f"overrides ({overrides[0]}, ...) change a configuration that is named, not a Config",
                hint="config.model_copy(update=...), or config={...} with the changes in it",
            )
        return source
    if registry is None:
        from ragsys.plugins import registry as installed

        registry = installed()
    if isinstance(source, Mapping):
        raw, where = based(dict(source), "config", Path(), registry, ())
    else:
        raw, where = read(str(source or os.environ.get("RAGSYS_CONFIG") or DEFAULT), registry)
    for given in overrides:
        raw = override(raw, given)
    problems = list(odd(raw))
    raw = expanded(raw, "", problems)
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        problems += [*_explain(error), *_unknown(raw, registry)]
        raise ConfigError(placed(where, problems), hint="see it whole: ragsys config show") from None
    if problems:
        unset = any("environment variable" in problem for problem in problems)
        hint = "set the variable, or give it a default: ${NAME:-default}" if unset else None
        raise ConfigError(placed(where, problems), hint=hint or "see it whole: ragsys config show")
    found = check(config, registry)
    if found:
        hints = dict.fromkeys(error.hint for error in found if error.hint)
        raise ConfigError(placed(where, [error.message for error in found]), hint="\n".join(hints) or None)
    return config


def _unknown(raw: Any, registry: Registry) -> list[str]:
    """The components that do not exist, told beside errors of the schema: of each place that can be read."""
    search = raw.get("search") if isinstance(raw.get("search"), Mapping) else {}
    answer = raw.get("answer") if isinstance(raw.get("answer"), Mapping) else {}
    places: list[tuple[str, str, Any]] = [(role, role, raw.get(role)) for role in _ROLES]
    places += [(f"search.{key}", role, search.get(key)) for key, role in _OF_SEARCH.items()]
    for key, role, among in (("loaders", "loader", raw), ("search.retrievers", "retriever", search)):
        named = among.get(key.rpartition(".")[2])
        places += [(f"{key}.{name}", role, one) for name, one in (named.items() if isinstance(named, Mapping) else ())]
    for key, role in _LISTS.items():
        given = search.get(key)
        places += [(f"search.{key}.{n}", role, one) for n, one in enumerate(given if isinstance(given, list) else ())]
    places.append(("answer.agent", "agent", answer.get("agent")))
    found = []
    for where, role, given in places:
        name = given.get("use") if isinstance(given, Mapping) else given
        try:
            if isinstance(name, str):
                registry.find(role, name)
        except ConfigError as error:
            found.append(f"{where}.use: {error.message}")
    return found


def is_used(config: Config, role: str) -> bool:
    """Whether the stage of an optional role runs at all."""
    return config.index.layout if role == "layout" else config.index.ocr != "never"


def stage_problems(config: Config, registry: Registry) -> list[RagsysError]:
    """What the layout model lacks here, where it is turned on. A library opens all the same: its pages wait."""
    if not is_used(config, "layout"):
        return []
    component = registry.find("layout", config.layout.use)
    if missing := missing_package(component):
        return [MissingExtra("layout", component.name, missing, component.extra)]
    try:
        Builder(registry, config.defaults, Path(), Path()).build("layout", config.layout)
    except RagsysError as error:
        return [error]
    return []


def check(config: Config, registry: Registry) -> list[RagsysError]:
    """Every component exists, its options are valid, its needs can be met without a circle. Loads no model."""
    from pydantic import ValidationError

    problems: list[RagsysError] = []
    builder = Builder(registry, config.defaults, Path(), Path())
    for where, role, spec in _walk(config, registry, problems):
        try:
            builder.options(role, spec)
        except ValidationError as error:
            secret = secret_fields(options_type(registry.find(role, spec.use)))
            problems += [ConfigError(f"{where}.{text}") for text in _explain(error, secret)]
        except RagsysError as error:
            problems.append(ConfigError(f"{where}.use: {error.message}", hint=error.hint))
    if problems:  # a need that is wrong in itself would be told again by everything that needs it
        return problems
    told = set()
    for where, role, spec in config.components():
        try:
            builder.fingerprint(role, spec)
        except RagsysError as error:
            if error.message not in told:
                problems.append(ConfigError(f"{where}: {error.message}", hint=error.hint))
            told.add(error.message)
    return problems


def _walk(config: Config, registry: Registry, problems: list[RagsysError]) -> list[tuple[str, str, Spec]]:
    """(where, role, specification) of every component, those that are chosen as a need of another included."""
    found = []
    todo = config.components()
    while todo:
        where, role, spec = todo.pop(0)
        found.append((where, role, spec))
        known: Mapping[str, str] = {}
        try:
            known = registry.find(role, spec.use).needs
        except ConfigError:
            continue  # told by `check`
        for argument, chosen in spec.needs.items():
            if argument in known:
                todo.append((f"{where}.needs.{argument}", known[argument], chosen))
            else:
                tip = did_you_mean(argument, known) or f" It needs: {', '.join(known) or 'nothing'}."
                problems.append(ConfigError(f"{where}.needs.{argument}: {role} '{spec.use}' takes no such need.{tip}"))
    return found


def preflight(config: Config, registry: Registry) -> list[RagsysError]:
    """`check`, and that every package that the components require is installed."""
    problems = check(config, registry)
    if problems:
        return problems
    told: set[tuple[str, str]] = set()
    for _, role, spec in _walk(config, registry, []):
        component = registry.find(role, spec.use)
        missing = missing_package(component)
        if missing and role not in OPTIONAL and (role, spec.use) not in told:
            told.add((role, spec.use))
            problems.append(MissingExtra(role, spec.use, missing, component.extra))
    return problems


def _explain(error: ValidationError, secret: frozenset[str] = frozenset()) -> list[str]:
    """One line a problem: where, what, and the nearest known key for an unknown one. Options named in `secret` are
    not shown."""
    lines = []
    for item in error.errors(include_url=False, include_context=False):
        where = ".".join(str(part) for part in item["loc"] if part not in ("Spec", "str"))
        if item["type"] == "extra_forbidden":
            known = _known_keys(error.title, item["loc"])
            tip = did_you_mean(str(item["loc"][-1]), known) or (f" Known: {', '.join(known)}." if known else "")
            lines.append(f"{where}: unknown key.{tip}")
        elif item["type"] == "missing":
            lines.append(_absent(where, error.title))
        else:
            shown = masked(item.get("input"), where, (where,) if secret.intersection(where.split(".")) else ())
            told = words(item["msg"]).removeprefix("Value error, ")
            scalar = isinstance(shown, (str, int, float, bool))
            found = f" (found {shown!r})" if scalar and str(shown) not in told else ""
            lines.append(f"{where}: {told[0].lower()}{told[1:]}{found}")
    return lines


def _absent(where: str, title: str) -> str:
    """A required key that is missing: what it is, and where it usually comes from."""
    if where.rpartition(".")[2] == "use":
        return f"{where}: missing: the name of a component"
    if title != Config.__name__:
        return f"{where}: missing"
    return f"{where}: missing: give it, or extend a preset that does (extends: {DEFAULT})"


def _known_keys(title: str, location: Sequence[Any]) -> list[str]:
    from ragsys.options import Options

    models = {model.__name__: model for base in (Section, Options) for model in _subclasses(base)}
    model: Any = models.get(title)
    for part in location[:-1]:
        field = getattr(model, "model_fields", {}).get(part)
        annotation = getattr(field, "annotation", None)
        model = annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
    return sorted(getattr(model, "model_fields", {}))


def _subclasses(base: type) -> list[type]:
    children: list[type] = base.__subclasses__()
    return [found for child in children for found in (child, *_subclasses(child))]


__all__ = ["Config", "SecretStr", "Spec", "check", "load", "merged", "preflight"]
