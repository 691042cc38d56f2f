"""The generator `openai` when calls are given up, fail, come too many at once, or their server restarts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from ragsys_generate import wire
from ragsys_generate.openai import OpenAI
from readers import SCHEMA, Calling, asking, openai_at
from serving import Chat, Hang, Raw, Serving, Status, openai_error

from ragsys.errors import GenerationError
from ragsys.exchange import Cancel
from ragsys.protocols import Reply, Request


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "FIRST_WAIT", 0.01)


def whole(generator: OpenAI, request: Request, cancel: Cancel | None = None) -> Reply:
    return generator.generate(replace(request, cancel=cancel or request.cancel))


def streamed(generator: OpenAI, request: Request, cancel: Cancel | None = None) -> Reply:
    last = list(generator.stream(replace(request, cancel=cancel or request.cancel)))[-1]
    assert isinstance(last, Reply)
    return last


both = pytest.mark.parametrize("call", [whole, streamed])
Call = Callable[[OpenAI, Request], Reply]


def until(holds: Callable[[], Any]) -> None:
    """Wait for something that another thread brings about."""
    for _ in range(2000):
        if holds():
            return
        time.sleep(0.005)
    raise AssertionError("it does not come about")


# -- given up ----------------------------------------------------------------------------------------------------------


@both
def test_a_call_is_given_up_while_it_waits_for_its_first_byte(call: Call) -> None:
    with Serving([Hang()]) as server:
        generator = openai_at(server, model="tiny")
        calling = Calling(lambda cancel: call(generator, asking(cancel=cancel, schema=SCHEMA)))
        until(lambda: server.asked)
        calling.cancel.set()
        assert (calling.result().finish, calling.result().text) == ("cancelled", "")
        assert server.left()  # the connection is closed, so that the model stops


def test_a_stream_is_given_up_in_its_middle_with_what_has_come() -> None:
    with Serving([Chat("one two three four", gap=5.0)]) as server:
        cancel = Cancel()
        stream = openai_at(server).stream(asking(cancel=cancel))
        assert next(stream) == "one"
        cancel.set()
        reply = list(stream)[-1]
        assert isinstance(reply, Reply)
        assert (reply.text, reply.finish) == ("one", "cancelled")
        assert server.left()


def test_a_stream_that_is_left_closes_its_connection() -> None:
    with Serving([Chat("one two three four", gap=5.0)]) as server:
        stream = openai_at(server).stream(asking())
        assert next(stream) == "one"
        stream.close()  # type: ignore[attr-defined]
        assert server.left()


@both
def test_a_call_that_was_given_up_before_asks_nothing(call: Call) -> None:
    cancel = Cancel()
    cancel.set()
    with Serving([Hang()]) as server:
        assert call(openai_at(server, model="tiny"), asking(cancel=cancel)).finish == "cancelled"


def test_a_call_is_given_up_while_it_waits_to_try_again() -> None:
    with Serving([Status(503, headers={"retry-after": "60"})]) as server:
        generator = openai_at(server, model="tiny")
        calling = Calling(lambda cancel: generator.generate(asking(cancel=cancel)))
        until(lambda: server.asked)
        time.sleep(0.05)
        calling.cancel.set()
        assert calling.result().finish == "cancelled"


def test_a_call_is_given_up_while_it_waits_for_its_turn() -> None:
    with Serving([Hang()]) as server:
        generator = openai_at(server, model="tiny", concurrency=1)
        first = Calling(lambda cancel: generator.generate(asking(cancel=cancel)))
        until(lambda: server.asked)
        second = Calling(lambda cancel: generator.generate(asking(cancel=cancel)))
        time.sleep(0.05)
        second.cancel.set()
        assert second.result().finish == "cancelled"
        first.cancel.set()
        assert first.result().finish == "cancelled"
        assert len(server.asked) == 1


# -- deadlines ---------------------------------------------------------------------------------------------------------


@both
def test_a_reply_that_is_late_is_an_error(call: Call) -> None:
    with Serving([Hang()]) as server:
        with pytest.raises(GenerationError, match=r"within the 0\.2 s"):
            call(openai_at(server, model="tiny"), asking(deadline=0.2))
        assert server.left()


def test_a_stream_that_is_late_in_its_middle_ends_with_what_has_come() -> None:
    with Serving([Chat("one two three", gap=5.0)]) as server:
        reply = streamed(openai_at(server, model="tiny"), asking(deadline=0.4))
        assert (reply.text, reply.finish) == ("one", "cancelled")


def test_no_try_is_waited_for_that_would_be_late() -> None:
    with Serving([Status(503, "loading", headers={"retry-after": "30"})]) as server:
        with pytest.raises(GenerationError, match="loading"):
            openai_at(server, model="tiny").generate(asking(deadline=10.0))
        assert len(server.asked) == 1


def test_silence_has_an_end_without_a_deadline() -> None:
    with Serving([Hang()]) as server, pytest.raises(GenerationError, match="sent nothing"):
        openai_at(server, model="tiny", timeout=0.2).generate(asking())


# -- tried again -------------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    "failure",
    [
        Status(429, "slow down"),
        Status(500, "oops"),
        Status(503, "loading"),
        Status(502, "<html>bad gateway</html>"),
        Raw(),
    ],
    ids=["429", "500", "503", "502", "lost"],
)
def test_what_may_pass_is_tried_again(call: Call, failure: Any) -> None:
    with Serving([failure, failure, Chat("a pump")]) as server:
        assert call(openai_at(server), asking()).text == "a pump"
        assert len(server.asked) == 3


def test_the_server_says_how_long_to_wait() -> None:
    with Serving(
        [Status(429, headers={"retry-after-ms": "250"}), Status(429, headers={"retry-after": "0.2"}), Chat("a")]
    ) as server:
        openai_at(server).generate(asking())
        first, second, third = (asked.at for asked in server.asked)
        assert second - first >= 0.25
        assert third - second >= 0.2


def test_a_server_that_asks_for_an_hour_is_not_waited_for() -> None:
    with Serving([Status(429, "quota", headers={"retry-after": "3600"})]) as server:
        with pytest.raises(GenerationError, match="takes no more requests now"):
            openai_at(server).generate(asking())
        assert len(server.asked) == 1


@pytest.mark.parametrize("retries", [0, 2])
def test_tries_have_an_end(retries: int) -> None:
    with Serving(otherwise=Status(500, "oops")) as server:
        with pytest.raises(GenerationError, match="oops"):
            openai_at(server, retries=retries).generate(asking())
        assert len(server.asked) == retries + 1


@pytest.mark.parametrize(
    "answer",
    [
        openai_error(400, "bad"),
        openai_error(401, "who are you"),
        openai_error(429, "You exceeded your current quota", type="insufficient_quota"),
    ],
)
def test_what_does_not_pass_is_not_tried_again(answer: Status) -> None:
    with Serving(otherwise=answer) as server:
        with pytest.raises(GenerationError):
            openai_at(server).generate(asking())
        assert len(server.asked) == 1


def test_a_whole_reply_that_is_cut_on_its_way_is_asked_for_again() -> None:
    with Serving([Chat("one two three", dies_after=40), Chat("a pump")]) as server:
        assert openai_at(server).generate(asking()).text == "a pump"


@pytest.mark.parametrize(
    "broken", [Chat("one two", dies_after=0), Chat("one two", ends_early=0, reasoning="hm")], ids=["cut", "ended"]
)
def test_a_stream_that_is_lost_before_its_first_text_begins_anew(broken: Chat) -> None:
    with Serving([broken, Chat("a pump")]) as server:
        items = list(openai_at(server).stream(asking()))
        assert items[:-1] == ["a", " pump"]
        assert len(server.asked) == 2


@pytest.mark.parametrize("broken", [Chat("one two three", dies_after=2), Chat("one two three", ends_early=2)])
def test_a_stream_that_is_lost_in_its_middle_is_no_reply(broken: Chat) -> None:
    with Serving([broken, Chat("another")]) as server:
        stream = openai_at(server).stream(asking())
        assert [next(stream), next(stream)] == ["one", " two"]
        with pytest.raises(GenerationError, match=r"lost in the middle of the reply \(7 characters had come\)"):
            next(stream)
        assert len(server.asked) == 1


def test_an_error_inside_a_stream_is_told() -> None:
    error = {"message": "EngineCore died", "type": "InternalServerError", "code": 500}
    with Serving([Chat("one two", pieces=["one"], error_after=error)]) as server:
        stream = openai_at(server).stream(asking())
        assert next(stream) == "one"
        with pytest.raises(GenerationError, match="EngineCore died"):
            next(stream)


# -- servers that come and go ------------------------------------------------------------------------------------------


@both
def test_a_server_that_restarts_is_waited_for(call: Call) -> None:
    with Serving(otherwise=Chat("a pump")) as server:
        generator = openai_at(server, retries=1)
        call(generator, asking())
        server.stop()
        calling = Calling(lambda cancel: call(generator, asking(cancel=cancel, deadline=20.0)))
        time.sleep(0.3)  # longer than its retries
        server.start()
        assert calling.result().text == "a pump"


def test_a_server_that_is_killed_in_the_middle_is_asked_again_when_it_is_back() -> None:
    with Serving([Hang(), Chat("a pump")]) as server:
        generator = openai_at(server, model="tiny")
        calling = Calling(lambda cancel: generator.generate(asking(cancel=cancel)))
        until(lambda: server.asked)
        server.stop()
        time.sleep(0.1)
        server.start()
        assert calling.result().text == "a pump"


def test_a_server_that_stays_away_is_told_after_a_while() -> None:
    with Serving(otherwise=Chat("a")) as server:
        generator = openai_at(server, restart=0.2)
        generator.generate(asking())
    with pytest.raises(GenerationError, match="no server answers"):
        generator.generate(asking())


@both
def test_a_server_that_was_never_there_is_told_at_once(call: Call) -> None:
    with Serving() as server:
        url = server.url
    with pytest.raises(GenerationError, match=r"no server answers at http://127\.0\.0\.1") as caught:
        call(openai_at(url, restart=600.0), asking())
    assert "--set generator.url=" in str(caught.value)


def test_another_model_after_a_restart_is_found_by_the_next_call() -> None:
    def missing(asked: Any) -> Any:
        wanted = asked.body["model"]
        return Chat("a") if wanted == server.models[0] else openai_error(404, f"The model `{wanted}` does not exist.")  # type: ignore[index]

    with Serving(otherwise=missing, models=["old"]) as server:
        generator = openai_at(server)
        generator.generate(asking())
        server.models = ["new"]
        with pytest.raises(GenerationError, match="serves no model 'old'"):
            generator.generate(asking())
        assert generator.generate(asking()).text == "a"
        assert generator.identity.startswith("openai/new/")


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Serving([Chat("a")]) as server:
        assert openai_at(server).generate(asking()).text == "a"


def test_a_proxy_that_answers_for_the_server_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Status(403, "<html><title>Blocked by policy</title></html>", content_type="text/html")
    with Serving(models=page, routes={"http://reader.example/v1/models": page}) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        with pytest.raises(GenerationError, match="Blocked by policy") as caught:
            openai_at("http://reader.example/v1").generate(asking())
    assert "NO_PROXY" in (caught.value.hint or "")


# -- several at once ---------------------------------------------------------------------------------------------------


def test_calls_of_the_process_are_bounded_together() -> None:
    with Serving(otherwise=Chat("a b c", delay=0.05)) as server:
        generators = [openai_at(server, model="tiny", concurrency=2) for _ in range(2)]
        ways = [whole, whole, streamed, streamed] * 2
        callings = [Calling(partial(way, generators[n % 2], asking())) for n, way in enumerate(ways)]
        assert {calling.result().text for calling in callings} == {"a b c"}
        assert server.peak == 2


def test_many_calls_at_once_get_their_own_replies() -> None:
    def echo(asked: Any) -> Chat:
        return Chat(asked.body["messages"][-1]["content"], delay=0.01)

    with Serving(otherwise=echo) as server:
        generator = openai_at(server, concurrency=16)
        callings = [Calling(partial(streamed, generator, asking(f"number {n}"))) for n in range(40)]
        assert [calling.result().text for calling in callings] == [f"number {n}" for n in range(40)]
        assert server.peak > 4


def test_a_hanging_call_holds_up_no_other() -> None:
    with Serving([Hang(), Chat("a")]) as server:
        generator = openai_at(server, model="m")
        hanging = Calling(lambda cancel: streamed(generator, asking(cancel=cancel)))
        until(lambda: server.asked)
        assert generator.generate(asking()).text == "a"
        hanging.cancel.set()
        assert hanging.result().finish == "cancelled"


def test_questions_about_the_server_wait_for_no_turn() -> None:
    with Serving(
        [Hang()], models=[{"id": "m", "max_model_len": 77}], routes={"/tokenize": Status(200, {"count": 5})}
    ) as server:
        generator = openai_at(server, model="m", concurrency=1, count="server")
        hanging = Calling(partial(whole, generator, asking()))
        until(lambda: server.asked)
        assert generator.limits().context == 77
        assert generator.tokens(asking()) == 5
        hanging.cancel.set()
        assert hanging.result().finish == "cancelled"


def test_a_generator_can_be_closed_and_used_again() -> None:
    with Serving(otherwise=Chat("a")) as server:
        generator = openai_at(server)
        assert generator.generate(asking()).text == "a"
        generator.close()
        assert replace(generator.generate(asking()).usage, seconds=0.0).calls == 1


def test_connections_are_kept_between_calls_and_one_thread_serves_all() -> None:
    with Serving(otherwise=Chat("a")) as server:
        generator = openai_at(server, model="tiny")
        for _ in range(5):
            generator.generate(asking())
        assert len(server._open) == 1
    assert sum(thread.name == "ragsys-http" for thread in threading.enumerate()) == 1
