"""What an agent may do. An agent is a generator function that yields actions and is sent their results; it does no I/O.

    def single(task: Task, *, options: SingleOptions, kit: Kit) -> Agent[Draft]:
        hits = yield from do(Search(task.question, k=kit.pages))    # list[Hit], and the type checker knows it
        return (yield from do(Write(hits)))

A failed action raises `ActionFailed` at its `yield`, a spent budget `BudgetSpent`. The law that `testing.check_agent`
tests: driven twice with the same results, an agent yields equal actions and returns an equal draft.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeAlias, overload

from typing_extensions import TypeVar

from ragsys.types import JSON, Draft, Evidence, Filter, Hit

if TYPE_CHECKING:
    from PIL.Image import Image

R = TypeVar("R")
A = TypeVar("A")
B = TypeVar("B")
S = TypeVar("S", default=str)
T_co = TypeVar("T_co", covariant=True)

#: How evidence is shown to a model: its text, its page images beside the text, or one picture with all pages.
View: TypeAlias = Literal["text", "pages", "montage"]
#: What an agent points at: hits of a search, or evidence that it was given.
Pages: TypeAlias = Sequence[Hit | Evidence]


class Action(Generic[R]):
    """Something an agent asks for; `R` is what it is sent back."""

    __slots__ = ()


Agent: TypeAlias = Generator[Action[Any], Any, T_co]


@dataclass(frozen=True, slots=True)
class Turn:
    """One exchange that came before in a conversation."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Task:
    """What is asked."""

    question: str
    images: tuple[Image, ...] = ()
    filter: Filter = field(default_factory=Filter)
    history: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class Kit:
    """What an agent has at hand. Plain data: an agent decides from it, and a replay rebuilds it."""

    pages: int = 8  # evidence pages that the configuration asks for
    reads_prompts: bool = True  # the generator is a language model: it can `Look`; else it takes `Write` alone
    reads_images: bool = False
    tools: Mapping[str, str] = field(default_factory=dict)  # {name: description}


class AgentFunction(Protocol):
    """An agent with its options bound: what `plugins.Builder` builds for the role "agent"."""

    def __call__(self, task: Task, *, kit: Kit) -> Agent[Draft]:
        """Start it; nothing runs before the first result is asked for."""
        ...


@dataclass(frozen=True, slots=True)
class Search(Action[list[Hit]]):
    """Find pages, passages or documents. Costs no model call; fields left open take the configuration's choice."""

    query: str
    k: int | None = None
    level: Literal["page", "passage", "document"] = "page"
    retriever: str | None = None  # the name of one list of the configuration; else all, fused
    cut: str | None = None
    filter: Filter | None = None  # else the task's


@dataclass(frozen=True, slots=True)
class Look(Action[S], Generic[S]):
    """One model call over pages; without pages it is thinking. `schema` is `str`, or what the reply must parse as."""

    pages: Pages = ()
    prompt: str = "look"
    schema: type[S] = str  # type: ignore[assignment]  # mypy: the default of a field whose type has a default
    view: View = "text"
    values: Mapping[str, str] = field(default_factory=dict)  # what the agent wants said besides: {name: text}
    question: str = ""  # else the task's


@dataclass(frozen=True, slots=True)
class Write(Action[Draft]):
    """Write the answer from pages: sentences with marks. The one action whose text streams to the reader."""

    pages: Pages
    prompt: str = "write"
    view: View = "text"
    values: Mapping[str, str] = field(default_factory=dict)
    question: str = ""


@dataclass(frozen=True, slots=True)
class Run(Action[Draft]):
    """Run another agent by name, with its own span in the trace and a slice of what is left of the budget."""

    agent: str
    task: Task
    share: float = 0.5  # of the calls, tokens and seconds that are left, (0, 1]


@dataclass(frozen=True, slots=True)
class Call(Action[JSON]):
    """Call a tool."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checkpoint(Action[None]):
    """The best answer so far: what is returned when the budget ends before the agent does."""

    draft: Draft


@dataclass(frozen=True, slots=True)
class Ok(Generic[R]):
    """An action of several that succeeded."""

    value: R


@dataclass(frozen=True, slots=True)
class Failed:
    """An action of several that failed: the error's class and message."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Each(Action[list[Any]]):
    """Actions side by side; use `each` or `both`, whose results are typed. One that fails does not end the others."""

    actions: tuple[Action[Any], ...]


def do(action: Action[R]) -> Generator[Action[Any], Any, R]:
    """Yield one action and return its result, typed."""
    result: R = yield action
    return result


def each(actions: Sequence[Action[R]]) -> Generator[Action[Any], Any, list[Ok[R] | Failed]]:
    """Run actions side by side; one outcome each, in the same order."""
    result: list[Ok[R] | Failed] = yield Each(tuple(actions))
    return result


def both(first: Action[A], second: Action[B]) -> Generator[Action[Any], Any, tuple[Ok[A] | Failed, Ok[B] | Failed]]:
    """Run two actions of different kinds side by side."""
    one, two = yield Each((first, second))
    return one, two


@overload
def succeeded(outcomes: Sequence[Ok[R] | Failed]) -> list[R]: ...
@overload
def succeeded(outcomes: Sequence[Ok[A] | Ok[B] | Failed]) -> list[A | B]: ...
def succeeded(outcomes: Sequence[Any]) -> list[Any]:
    """The values of those that succeeded, in order."""
    return [outcome.value for outcome in outcomes if isinstance(outcome, Ok)]
