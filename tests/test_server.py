"""The server without a browser: its doors, limits and settings, and what it says of itself."""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import anyio
import httpx
import pytest
from browser import Served, server_of
from fastapi.testclient import TestClient
from gradio_client import Client
from hypothesis import given
from hypothesis import strategies as st

from bot.bot import Bot
from bot.conversations import Conversation, Conversations
from bot.desk import Desk, Refused, sound
from bot.metrics import Metrics
from bot.settings import Settings, read_settings
from bot.wording import languages, wordings
from indexer.build import build
from indexer.errors import UsageError

pytest_plugins = ("browser_fixtures",)
ROOT = Path(__file__).parent.parent
QUESTION = "can scar tissue cause this pain"


def run_apart(main: Callable[[], Awaitable[None]]) -> None:
    """Run a coroutine in a thread of its own: Playwright may keep a loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(anyio.run, main).result()


@pytest.fixture(scope="module")
def client(bot: Bot) -> Iterator[TestClient]:
    with TestClient(server_of(bot, Settings(per_minute=0))) as client:
        yield client


def test_the_api_gives_the_answer_of_the_contract(client: TestClient, bot: Bot) -> None:
    history = ["why does my leg still hurt?"]
    given_back = client.post("/api/answer", json={"id": "x1", "question": QUESTION, "history": history}).json()
    expected = {"id": "x1", **bot.answer(QUESTION, history=history).to_json(bot.corpus)}
    assert given_back == expected


@pytest.mark.parametrize(
    "question", ["", "   ", "x" * 100_000, "\x00\x07\u202e", "<b>${1}</b>", "\ud800 half", "脚がまだ痛い"]
)
def test_the_api_answers_any_text_politely(client: TestClient, question: str) -> None:
    body = json.dumps({"question": question})
    reply = client.post("/api/answer", content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == 200
    assert reply.json()["outcome"] in ("answered", "overview", "declined", "emergency")


def test_wrong_use_of_the_api_is_told_and_not_a_traceback(client: TestClient) -> None:
    assert client.post("/api/answer", json={"query": "x"}).status_code == 422
    assert client.post("/api/answer", content="{", headers={"Content-Type": "application/json"}).status_code == 422


def test_the_apis_description_needs_no_other_host(client: TestClient) -> None:
    page = client.get("/api/docs")
    assert page.status_code == 200
    assert not re.search(r"(?:src|href)=[\"']https?:", page.text)
    assert "/answer" in client.get("/api/openapi.json").json()["paths"]


def test_gradios_own_client_works(served: Served, bot: Bot) -> None:
    answer = Client(served.url, verbose=False).predict(QUESTION, api_name="/answer")
    assert answer["quotes"] == bot.answer(QUESTION).to_json(bot.corpus)["quotes"]


def test_health_readiness_and_metrics_tell_counts_and_no_words(client: TestClient, bot: Bot) -> None:
    client.post("/api/answer", json={"question": QUESTION})
    assert client.get("/healthz").json() == {"status": "alive"}
    article = next(iter(bot.corpus.articles.values()))
    assert client.get("/readyz").json()["articles"] == {article.id: article.sha256}
    metrics = client.get("/metrics").text
    assert re.search(r'article_answers_total\{outcome="answered"\} [1-9]', metrics)
    assert "article_answer_seconds_bucket" in metrics
    assert "scar" not in metrics


def test_every_page_carries_a_policy_that_names_no_other_host(client: TestClient) -> None:
    for path in ("/", "/es/", "/article", "/api/docs"):
        reply = client.get(path)
        policy = reply.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "http" not in policy
        assert "'unsafe-inline'" not in policy.split("style-src")[0]
        assert ("'unsafe-eval'" in policy) == ("<gradio-app" in reply.text)
        assert reply.headers["Referrer-Policy"] == "no-referrer"
        assert "set-cookie" not in reply.headers


def test_the_page_speaks_of_itself_and_not_of_gradio(client: TestClient) -> None:
    document = client.get("/").text
    assert '<html\n\tlang="en"' in document
    assert "og:" not in document
    assert "iframeResizer.contentWindow" not in document
    assert "Dr. Peter Ullrich" in document.split("<gradio-app")[0]


@pytest.mark.parametrize(
    "path",
    ["/gradio_api/upload", "/gradio_api/file=/etc/passwd", "/gradio_api/proxy=http://x", "/es/gradio_api/upload"],
)
def test_doors_that_nobody_needs_are_shut(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404
    assert client.post(path).status_code == 404


def test_a_body_that_is_too_long_is_not_read(client: TestClient) -> None:
    assert client.post("/api/answer", content="x" * 1_000_001).status_code == 413


@pytest.mark.parametrize("stripped", [True, False], ids=["proxy strips the path", "proxy keeps the path"])
def test_the_page_works_behind_a_proxys_path(bot: Bot, stripped: bool) -> None:
    with TestClient(server_of(bot, Settings(per_minute=0, root_path="/ask"))) as client:
        base = "" if stripped else "/ask"
        for path in ("/", "/es/"):
            document = client.get(base + path).text
            assert 'href="/ask/page/page.css' in document
            assert f'"root":"http://testserver/ask{path.rstrip("/")}"' in document
        assert client.get(base + "/page/page.js").status_code == 200
        assert client.post(base + "/api/answer", json={"question": QUESTION}).status_code == 200
        assert client.get(base + "/article").status_code == 200


def test_a_client_that_asks_too_much_is_asked_to_wait(bot: Bot) -> None:
    with TestClient(server_of(bot, Settings(per_minute=3))) as client:
        replies = [client.post("/api/answer", json={"question": QUESTION}) for _ in range(4)]
    assert [reply.status_code for reply in replies] == [200, 200, 200, 429]
    assert "wait a minute" in replies[-1].json()["detail"]
    assert replies[-1].headers["Retry-After"]


def test_a_full_queue_says_busy_and_answers_those_who_wait(bot: Bot) -> None:
    metrics = Metrics()
    desk = Desk(bot, corpus=Path("corpus"), index=Path(".index"), per_minute=0, longest_queue=3, metrics=metrics)
    outcomes: list[str] = []

    async def ask() -> None:
        try:
            answer, _ = await desk.ask("someone", QUESTION)
            outcomes.append(answer.outcome.value)
        except Refused as refused:
            outcomes.append(refused.reason)

    async def crowd() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(ask)

    run_apart(crowd)
    assert sorted(outcomes) == ["answered"] * 3 + ["busy"] * 5


def test_a_new_index_is_picked_up_without_a_restart_and_without_a_wrong_offset(
    small_corpus: Path, tmp_path: Path
) -> None:
    corpus, index = tmp_path / "corpus", tmp_path / "index"
    shutil.copytree(small_corpus, corpus)
    build(corpus, index)
    desk = Desk(Bot.open(corpus, index), corpus=corpus, index=index, per_minute=0, longest_queue=9, metrics=Metrics())
    question = "which leg goes first on the stairs"

    async def quoted() -> tuple[str, str]:
        answer, bot = await desk.ask("someone", question)
        span = answer.quotes[0].span
        return bot.corpus.text(span), bot.corpus.articles[span.article].sha256

    async def visit() -> None:
        text, sha = await quoted()
        assert not await desk.refresh(), "nothing new"
        path = corpus / "knee" / "article.txt"
        path.write_text("A new first sentence stands here.\n\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
        assert await quoted() == (text, sha), "the old index serves on, with the old text"
        build(corpus, index)
        assert await desk.refresh()
        assert await quoted() != (text, sha)
        assert (await quoted())[0] == text, "the same words, at their new place"

    run_apart(visit)


def test_a_conversation_kept_is_answered_as_one_replayed(bot: Bot) -> None:
    desk = Desk(bot, corpus=Path("corpus"), index=Path(".index"), per_minute=0, longest_queue=9, metrics=Metrics())
    questions = ["why does my leg still hurt?", QUESTION, "is that common?", "tell me more"]

    async def converse() -> None:
        thread = None
        for number, question in enumerate(questions):
            answer, thread = await desk.ask_next("someone", question, thread, questions[:number])
            assert answer == bot.answer(question, history=questions[:number])

    run_apart(converse)


def test_conversations_are_forgotten_by_age_and_by_number() -> None:
    now = 0.0
    kept = Conversations(forget_after=60, most=2, clock=lambda: now)
    first, second, third = Conversation(), Conversation(), Conversation()
    names = [kept.keep(one) for one in (first, second, third)]
    assert [kept.find(name) for name in names] == [None, second, third], "the oldest of three goes"
    now = 50.0
    kept.find(names[1])
    now = 61.0
    assert [kept.find(name) for name in names] == [None, second, None], "what was used lately stays"
    assert len(kept) == 1


def test_a_conversation_is_forgotten_as_it_ever_stood() -> None:
    kept = Conversations()
    conversation, other = Conversation(), Conversation()
    earlier, later, apart = (kept.keep(one) for one in (conversation, conversation.alone(), other))
    kept.forget("nobody's name")
    kept.forget(later)
    assert [kept.find(name) for name in (earlier, later, apart)] == [None, None, other]


def test_only_the_name_of_a_conversation_brings_it_back(client: TestClient) -> None:
    for name in ("", "guessed", "x" * 100):
        assert client.post("/conversation", json={"name": name, "language": "en"}).status_code == 404
    assert client.post("/conversation", json={"name": "x" * 101, "language": "en"}).status_code == 422
    assert client.get("/conversation?name=guessed").status_code == 404


@given(st.text(alphabet=st.characters(codec=None, exclude_categories=())))
def test_any_text_can_be_carried_back(text: str) -> None:
    sound(text).encode("utf-8")


def test_settings_come_from_flags_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASK_ARTICLE_PORT", "9000")
    monkeypatch.setenv("ASK_ARTICLE_ROOT_PATH", "/ask")
    assert read_settings().port == 9000
    assert read_settings(port=9001).port == 9001
    assert read_settings().root_path == "/ask"
    with pytest.raises(UsageError, match="--root-path"):
        read_settings(root_path="no slash")


def test_every_language_says_everything_with_the_same_blanks() -> None:
    english = wordings()["en"]
    for language in languages():
        words = wordings()[language]
        assert words.keys() == english.keys()
        for table in ("page", "emergency"):
            assert words[table].keys() == english[table].keys()
            for key, sentence in words[table].items():
                assert set(re.findall(r"\{\w+\}", sentence)) == set(re.findall(r"\{\w+\}", english[table][key])), key


def serve(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "app.py", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_port_in_use_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = serve("--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "cannot listen there" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_wrong_corpus_is_one_clear_line(tmp_path: Path) -> None:
    done = serve("--port", "0", "--corpus", str(tmp_path / "nothing"), "--index", str(tmp_path / "index"))
    assert done.returncode == 2
    assert "no such corpus folder" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_stopped_server_gives_the_answers_under_way_and_ends(index_folder: Path) -> None:
    command = [sys.executable, "app.py", "--port", "0", "--index", str(index_folder)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        said: list[str] = []
        while "The page is on http://127.0.0.1:" not in "".join(said):
            said.append(process.stderr.readline())
            assert said[-1], f"it stopped: {said}"
        url = said[-1].split("The page is on ")[1].split(" ")[0]
        body = {"question": QUESTION, "history": ["why does my leg still hurt?"] * 6}
        with ThreadPoolExecutor(12) as patients:
            asked = [patients.submit(httpx.post, f"{url}api/answer", json=body, timeout=20) for _ in range(12)]
            next(as_completed(asked)).result()
            assert not all(one.done() for one in asked), "nothing is under way any more"
            process.send_signal(signal.SIGTERM)
            assert [one.result().status_code for one in asked] == [200] * 12
        assert process.wait(10) in (0, -signal.SIGTERM)
    finally:
        process.kill()
        process.communicate()
