"""The model that judges: whether it can, who it is, and what a report must say of its replies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ragsys.config import Config
from ragsys.errors import GenerationError, UsageError
from ragsys.evaluation.records import ConfigInfo
from ragsys.plugins import Builder
from ragsys.protocols import Generator, Message, Request

if TYPE_CHECKING:
    from ragsys.protocols import Metric


@runtime_checkable
class Judged(Protocol):
    """What a metric that asks a model has besides, so that a report can say who judged and what became of it."""

    @property
    def judge(self) -> str:
        """The judge's model and revision."""
        ...

    def notes(self) -> list[str]:
        """What a reader must know of the replies, once all is scored."""
        ...


def try_judge(builder: Builder, judge: Config) -> None:
    """Ask the judge for a reply. Raises `UsageError` where it gives none: it is no model, or not to be reached."""
    form = {"type": "object", "properties": {"ready": {"type": "boolean"}}, "required": ["ready"]}
    messages = (
        Message("system", ("Reply with JSON under the given schema and nothing else.",)),
        Message("user", ('Reply {"ready": true}.',)),
    )
    generator: Generator = builder.build("generator", judge.generator)
    try:
        generator.generate(Request(messages, task="judge", schema=form, max_tokens=64))
    except GenerationError as error:
        raise UsageError(
            f"--judge: '{judge.generator.use}' cannot judge: {error.message}",
            hint=error.hint or "--judge takes a configuration whose generator is a language model",
        ) from error


def judged_notes(metrics: Mapping[str, Metric], configs: Sequence[ConfigInfo]) -> list[str]:
    """What the metrics that ask a model say of it, and which configurations it has answered for itself."""
    judged = [(name, metric) for name, metric in metrics.items() if isinstance(metric, Judged)]
    said: dict[str, list[str]] = {}
    for name, metric in judged:
        for note in metric.notes():
            said.setdefault(note, []).append(name)
    notes = [f"{', '.join(names)}: {note}" for note, names in said.items()]
    models = {metric.judge for _, metric in judged}
    return notes + [
        f"{config.name}: answered by the model that judges, {config.generator}: models favour their own answers"
        for config in configs
        if config.generator in models
    ]
