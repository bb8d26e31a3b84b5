"""The report: one file that needs nothing else, with every miss in full and why."""

import html
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from typer.testing import CliRunner

from bot.bot import Bot
from eval.__main__ import app
from eval.judged import load_judged
from eval.misses import Why, find_misses, is_missed
from eval.records import AnswerRecord, Run, SentenceRecord
from eval.report import render
from eval.report_curves import Frame, reliability, risk_coverage
from eval.running import run_questions
from eval.settings import History
from indexer.build import build

ICE = "Ice and raising the leg help."
STICK = "After a knee replacement most people walk with a stick on the first day."
NASTY = "</script><img src=x onerror=alert(1)> {{ 7 * 7 }} & \u202eback\u202c does ice help"

pytest_plugins = ("browser_fixtures",)

VOID = {"meta", "link", "img", "input", "br", "hr"}


@pytest.fixture(scope="module")
def runs(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two runs over the same questions, the second by a bot that was asked without the conversation."""
    folder = tmp_path_factory.mktemp("runs")
    build(small_corpus, folder / "index")
    bot = Bot.open(small_corpus, folder / "index")
    rows = [
        {
            "question": "how do people walk after a knee replacement",
            "answers": [STICK],
            "tags": ["long"],
            "split": "dev",
        },
        {"question": NASTY, "answers": [ICE], "voice": "young", "split": "dev"},
        {"question": "and at night?", "answers": [ICE], "history": ["does the knee swell"], "split": "test"},
        {"question": "tell me everything on knees", "answers": [STICK, ICE], "kind": "overview", "split": "test"},
        {"question": "how long is swelling around the elbow usual", "answers": [], "kind": "declined", "split": "dev"},
        {"question": "who won the cup", "answers": [], "kind": "declined", "split": "test"},
        {"question": "my toes are pins and needles today", "answers": [], "kind": "emergency", "split": "dev"},
    ]
    judged = folder / "judged.jsonl"
    judged.write_text(
        "".join(json.dumps({"id": f"q{n}", **row}) + "\n" for n, row in enumerate(rows)), encoding="utf-8"
    )
    questions = load_judged([judged], list(bot.corpus.articles.values()))
    for name, history in (("now", History.USER), ("before", History.LAST)):
        run_questions(bot, questions, [judged], folder / name, history=history)
    return folder / "now", folder / "before"


@pytest.fixture(scope="module")
def run(runs: tuple[Path, Path]) -> Run:
    """The run that is reported."""
    from eval.records import read_run

    return read_run(runs[0])


class Outline(HTMLParser):
    """Collects tags, ids and addresses, and checks that what opens also closes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action", "data")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_one_whole_file_that_asks_for_nothing(run: Run) -> None:
    page = render(run, against=run)
    outline = Outline(page)
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))
    assert outline.addresses == ["#misses"]
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_questions_are_text_and_nothing_else(run: Run) -> None:
    page = render(run)
    assert html.escape(NASTY) in page
    assert "img" not in Outline(page).tags
    broken = replace(run.answers[0], question="half a pair \ud83d", scores={"first quote right": 0.0})
    assert "half a pair ?" in render(replace(run, answers=(broken,)))


def test_every_figure_of_every_slice_is_there(run: Run) -> None:
    page = render(run)
    rows = re.findall(r'<tbody data-slice="([^"]+)"', page)
    assert rows == list(dict.fromkeys(figure.slice for figure in run.figures))
    assert "n = 0" in page


def test_every_miss_is_there_in_full(run: Run) -> None:
    page = render(run)
    missed = [record for record in run.answers if is_missed(record)]
    assert 0 < len(missed) < len(run.answers)
    articles = re.findall(r'<article class="miss" data-why.*?</article>', page, re.S)
    assert len(articles) == len(missed)
    text = html.unescape(re.sub(r"<[^>]+>", "", page))
    for record in missed:
        assert record.question in text
        for gold in record.gold:
            assert gold.text in text
        for quote in record.answer["quotes"]:
            assert quote["text"] in text


SENTENCES = tuple(SentenceRecord("knee", at, at + 9, f"Sentence{at:02}", None) for at in range(0, 200, 10))


def record(
    kind: str, outcome: str, *, ranking: tuple[int, ...] = (), gold: tuple[int, ...] = (), marked: tuple[int, ...] = ()
) -> AnswerRecord:
    """An answer that marks the named sentences, one a quote; right when the first of them is gold."""
    quotes = [
        {
            "article": "knee",
            "start": SENTENCES[at].start,
            "end": SENTENCES[at].end,
            "text": SENTENCES[at].text,
            "heading": None,
            "highlights": [{"start": SENTENCES[at].start, "end": SENTENCES[at].end}],
        }
        for at in marked
    ]
    measure = {"declined": "declined", "emergency": "emergency notice"}.get(kind, "first quote right")
    right = {"declined": outcome == "declined", "emergency": outcome == "emergency"}.get(
        kind, marked[:1] == gold[:1] != ()
    )
    answer = {"outcome": outcome, "confidence": 0.5, "quotes": quotes, "notice": None, "looked_up": "x"}
    return AnswerRecord("q", "x", kind, {measure: float(right)}, answer=answer, ranking=ranking, gold_sentences=gold)


@pytest.mark.parametrize(
    ("answer", "why", "detail"),
    [
        (record("emergency", "answered", marked=(1,)), Why.EMERGENCY_MISSED, "outcome answered"),
        (record("declined", "overview", marked=(1,)), Why.WRONGLY_ANSWERED, "outcome overview, the bot was 50% sure"),
        (record("answered", "emergency", ranking=(3,), gold=(3,)), Why.FALSE_ALARM, "ranked 1"),
        (record("answered", "declined", ranking=(1, 3), gold=(3,)), Why.DECLINED, "ranked 2, the bot was 50% sure"),
        (
            record("answered", "answered", ranking=tuple(range(20)), gold=(10,), marked=(0,)),
            Why.NOT_RETRIEVED,
            "ranked 11",
        ),
        (
            record("answered", "answered", ranking=(1, 2), gold=(3,), marked=(1,)),
            Why.NOT_RETRIEVED,
            "no right sentence",
        ),
        (
            record("answered", "answered", ranking=(0, 1), gold=(1,), marked=(0, 1)),
            Why.RANKED_LOW,
            "ranked 2 and marked in quote 2 of 2",
        ),
        (
            record("overview", "overview", ranking=(1, 0), gold=(1,), marked=(0, 1)),
            Why.RANKED_LOW,
            "marked in quote 2 of 2",
        ),
        (record("answered", "overview", ranking=(1, 0), gold=(1,), marked=(0,)), Why.LEFT_OUT, "ranked 1"),
    ],
)
def test_a_miss_says_why(run: Run, answer: AnswerRecord, why: Why, detail: str) -> None:
    (miss,) = find_misses(replace(run, answers=(answer,), sentences=SENTENCES))
    assert miss.why is why
    assert detail in miss.detail


@pytest.mark.parametrize(
    "answer",
    [
        record("answered", "answered", ranking=(1,), gold=(1,), marked=(1,)),
        record("declined", "declined"),
        record("emergency", "emergency"),
    ],
)
def test_what_is_right_is_no_miss(run: Run, answer: AnswerRecord) -> None:
    assert find_misses(replace(run, answers=(answer,), sentences=SENTENCES)) == ()


def test_the_worst_misses_come_first(run: Run) -> None:
    low = record("answered", "answered", ranking=(0, 1), gold=(1,), marked=(0,))
    misses = find_misses(replace(run, answers=(low, record("emergency", "declined")), sentences=SENTENCES))
    assert [miss.why for miss in misses] == [Why.EMERGENCY_MISSED, Why.RANKED_LOW]


def test_curves_stay_inside_their_frame(run: Run) -> None:
    curve = risk_coverage(run)
    for point in curve.line.split():
        x, y = map(float, point.split(","))
        assert curve.frame.x(0) <= x <= curve.frame.x(1)
        assert curve.frame.y(curve.frame.top) <= y <= curve.frame.y(0)
    assert 0 < curve.operating.coverage <= 1
    for each in reliability(run):
        assert 0 <= each.low <= each.right <= each.high <= 1
    assert Frame(top=1.0).y(0) > Frame(top=1.0).y(1)
    assert risk_coverage(replace(run, curves={})) is None


def test_a_run_without_answers_to_read_is_still_reported(run: Run) -> None:
    third_party = replace(run, kind="beir", answers=(), curves={}, figures=())
    page = render(third_party)
    assert "keeps no answers to read" in page
    Outline(page)


def test_the_command_writes_the_page_beside_the_run(runs: tuple[Path, Path], tmp_path: Path) -> None:
    now, before = runs
    told = CliRunner().invoke(app, ["report", str(now), "--against", str(before), "--json"])
    assert json.loads(told.stdout)["output"] == str(now / "report.html")
    other = CliRunner().invoke(app, ["report", str(now), "--output", str(tmp_path / "page.html")])
    assert (other.exit_code, other.stdout) == (0, f"Report: {tmp_path / 'page.html'}\n")


@pytest.fixture(scope="module")
def page_file(runs: tuple[Path, Path]) -> Path:
    """The report on disk, with a comparison."""
    path = runs[0] / "page.html"
    CliRunner().invoke(app, ["report", str(runs[0]), "--against", str(runs[1]), "--output", str(path)])
    return path


def opened(chromium: Browser, path: Path, *, width: int, scheme: str = "light") -> tuple[Page, list[str]]:
    page = chromium.new_context(viewport={"width": width, "height": 700}, color_scheme=scheme).new_page()
    heard: list[str] = []
    page.on("request", lambda request: heard.append(request.url))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("console", lambda message: heard.append(message.text))
    page.on("dialog", lambda dialog: heard.append(dialog.message))
    page.goto(path.as_uri())
    return page, heard


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (390, "dark"), (1280, "light")])
def test_the_page_is_accessible_and_fits_a_phone(chromium: Browser, page_file: Path, width: int, scheme: str) -> None:
    page, heard = opened(chromium, page_file, width=width, scheme=scheme)
    page.locator("details").evaluate_all("all => all.forEach(each => each.open = true)")
    page.select_option("#by-split", "")
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert heard == [page_file.as_uri()]
    page.context.close()


@pytest.mark.browser
def test_filters_choose_among_the_misses(chromium: Browser, page_file: Path, run: Run) -> None:
    page, _ = opened(chromium, page_file, width=1280)
    misses = find_misses(run)
    shown = page.locator("article[data-why]:visible")
    of_dev = [miss for miss in misses if miss.record.split == "dev"]
    # Who reads the misses of the test questions tunes on them: they are not shown at first.
    assert shown.count() == len(of_dev) < len(misses)
    page.select_option("#by-split", "")
    assert page.inner_text("#count") == f"{len(misses)} of {len(misses)} misses"
    page.fill("#by-words", "OnError ICE")
    wanted = [miss for miss in misses if "onerror" in miss.record.question]
    assert 0 < shown.count() == len(wanted)
    page.fill("#by-words", "")
    page.select_option("#by-why", misses[0].why.value)
    assert shown.count() == sum(miss.why is misses[0].why for miss in misses)
    page.select_option("#slice", "kind=declined")
    assert page.locator("tbody[data-slice]:visible").get_attribute("data-slice") == "kind=declined"
    page.context.close()
