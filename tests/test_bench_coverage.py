"""Where to teach and what to write next: coverage, gaps, readability, and the learning curve."""

import json
import random
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import matplotlib.image
import nltk
import pytest
from typer.testing import CliRunner

from bot.bot import Bot
from eval.__main__ import app
from eval.coverage import cover, read
from eval.gaps import find_gaps
from eval.learning import Curve, halving, learning_curve
from eval.learning_curve_files import read_curve, write_curve
from eval.questions_asked import read_asked
from eval.records import AnswerRecord, Run
from indexer.build import build
from indexer.errors import QuestionsError, UsageError

ARTICLE = "leg-pain-after-surgery"
PER_SENTENCE = 12


@pytest.fixture(scope="module")
def lightly_taught(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The real article with 12 taught questions a sentence, its scar tissue taught by nobody; corpus and index."""
    folder = tmp_path_factory.mktemp("lightly-taught")
    corpus = folder / "corpus" / ARTICLE
    corpus.mkdir(parents=True)
    for name in ("article.txt", "article.toml"):
        shutil.copy(corpus_folder / ARTICLE / name, corpus / name)
    text = (corpus / "article.txt").read_text(encoding="utf-8")
    from_scars = text.index("A really rare cause")
    seen: Counter[str] = Counter()
    kept = []
    lines = (corpus_folder / ARTICLE / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    random.Random(0).shuffle(lines)  # so that every author is among them
    for line in lines:
        row = json.loads(line)
        keys = row["answers"] if row.get("kind", "answered") == "answered" else [row["kind"]]
        most = 120 if keys == ["declined"] else PER_SENTENCE
        if any(from_scars <= text.index(answer) < from_scars + 600 for answer in row["answers"]):
            continue
        if all(seen[key] < most for key in keys):
            seen.update(keys)
            kept.append(line)
    (corpus / "questions.jsonl").write_text("\n".join(kept), encoding="utf-8")
    build(folder / "corpus", folder / "index")
    return folder / "corpus", folder / "index"


@pytest.fixture(scope="module")
def light_bot(lightly_taught: tuple[Path, Path]) -> Bot:
    """The bot on the lightly taught article."""
    return Bot.open(*lightly_taught)


@pytest.fixture(scope="module")
def curve(light_bot: Bot) -> Curve:
    """The learning curve of the lightly taught article."""
    return learning_curve(light_bot.index)


def test_more_taught_questions_answer_more(curve: Curve) -> None:
    sizes = [point.per_sentence for point in curve.points]
    assert sizes == sorted(sizes)
    assert sizes[0] == 0
    nothing, everything = curve.points[0], curve.points[-1]
    assert everything.first_right.low > nothing.first_right.high
    assert everything.auroc.low > nothing.auroc.high
    for point in curve.points:
        for figure in (point.first_right, point.among_three, point.auroc):
            assert figure.low <= figure.value <= figure.high
            assert figure.n > 100
        assert point.first_right.value <= point.among_three.value


def test_the_curve_is_the_same_each_time_and_survives_the_disk(curve: Curve, light_bot: Bot, tmp_path: Path) -> None:
    assert learning_curve(light_bot.index, article=ARTICLE) == curve
    write_curve(curve, tmp_path / "a")
    write_curve(curve, tmp_path / "b")
    assert read_curve(tmp_path / "a") == curve
    for name in ("curve.svg", "curve.png", "curve.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert matplotlib.image.imread(tmp_path / "a" / "curve.png").std() > 0.05  # something is drawn
    assert "AUROC" in (tmp_path / "a" / "curve.svg").read_text(encoding="utf-8")


def test_halving_is_read_off_a_power_law(curve: Curve) -> None:
    def with_misses(per_sentence: float, missed: float) -> object:
        point = curve.points[0]
        return replace(point, per_sentence=per_sentence, first_right=replace(point.first_right, value=1 - missed))

    assert halving([with_misses(n, 0.8 * n**-0.5) for n in (1, 4, 8, 16)]) == pytest.approx(2**-0.5)
    assert halving([with_misses(8, 0.1)]) is None
    assert halving([with_misses(8, 0.1), with_misses(16, 0.0)]) is None


def test_a_curve_needs_taught_questions(small_corpus: Path, light_bot: Bot, tmp_path: Path) -> None:
    build(small_corpus, tmp_path / "index")
    with pytest.raises(UsageError, match="teach more, then draw the curve"):
        learning_curve(Bot.open(small_corpus, tmp_path / "index").index)
    with pytest.raises(UsageError, match=f"there is {ARTICLE}"):
        learning_curve(light_bot.index, article="knee")


def test_a_missing_or_damaged_curve_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="draw it: python -m eval learning-curve"):
        read_curve(tmp_path)
    (tmp_path / "curve.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match=r"curve\.json: damaged"):
        read_curve(tmp_path)


def test_a_section_that_nobody_taught_is_named(light_bot: Bot, curve: Curve) -> None:
    coverage = cover(light_bot.index, (), curve=curve, enough=5)
    assert [section.heading for section in coverage.unreached()] == ["Scar tissue"]
    assert {passage.heading for passage in coverage.thin()} == {"Scar tissue"}
    assert [passage.heading for passage in coverage.passages[:2]] == ["Scar tissue", "Scar tissue"]
    taught = [passage for passage in coverage.passages if passage.heading != "Scar tissue"]
    for passage in taught:
        assert 5 <= passage.taught_a_sentence <= PER_SENTENCE
        assert passage.missed_doubled == pytest.approx(passage.missed * curve.halving)
    assert sum(section.sentences for section in coverage.sections) == len(light_bot.corpus.sentences)


def make_run(bot: Bot, quoted: str, manifest: dict[str, object]) -> Run:
    """A run of one question whose answer quotes the passage that begins with these words."""
    span = next(passage.span for passage in bot.corpus.passages if bot.corpus.text(passage.span).startswith(quoted))
    quote = {"article": span.article, "start": span.start, "end": span.end}
    answer = AnswerRecord("a", "why", "answered", {}, answer={"outcome": "answered", "quotes": [quote]})
    return Run("questions", (), {}, {}, manifest, "", 0, (), (), {}, (answer,))


def test_a_section_that_no_answer_of_a_run_quotes_is_named(light_bot: Bot) -> None:
    run = make_run(light_bot, "The #1 cause", light_bot.index.manifest)
    coverage = cover(light_bot.index, (), run=run)
    assert {section.heading: section.quoted for section in coverage.sections if section.quoted} == {
        "Incorrect diagnosis": 1
    }
    assert len(coverage.unreached()) == len(coverage.sections) - 1


def test_what_belongs_to_other_words_is_refused(light_bot: Bot, curve: Curve) -> None:
    with pytest.raises(UsageError, match="another text of article"):
        cover(light_bot.index, (), run=make_run(light_bot, "The #1 cause", {"files_sha256": {}}))
    with pytest.raises(UsageError, match="changed after the learning curve was drawn"):
        cover(light_bot.index, (), curve=replace(curve, questions_sha256="of other questions"))


def test_questions_without_an_answer_are_grouped(light_bot: Bot) -> None:
    parking = [
        f"{start} park my car at the hospital" for start in ("where can I", "can you", "where do people", "may I")
    ]
    gaps = find_gaps(light_bot, [*parking, "what is the most common cause of leg pain after surgery"])
    assert gaps[0].asked == 4
    assert set(gaps[0].examples) <= set(parking)
    assert {"park", "car", "hospital"} & set(gaps[0].words)
    assert all(gap.questions >= 4 for gap in gaps)
    order = [(-gap.asked, -gap.questions) for gap in gaps]
    assert order == sorted(order)


def test_few_questions_make_no_groups(small_corpus: Path, tmp_path: Path) -> None:
    build(small_corpus, tmp_path / "index")
    assert find_gaps(Bot.open(small_corpus, tmp_path / "index"), ["may I park here"]) == ()


def test_hard_words_read_harder_and_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nltk, "download", lambda *_, **__: pytest.fail("the network was asked"))
    hard = read("Postoperative radiculopathy necessitates multidisciplinary rehabilitation interventions.", "en")
    easy = read("The leg can hurt for a bit. You can walk. It will get well in time.", "en-GB")
    assert hard.is_hard
    assert not easy.is_hard
    assert easy.words == 16
    assert read("Das Bein tut weh.", "de") is None
    assert read("…", "en") is None


def test_asked_questions_come_from_sheets_or_json(tmp_path: Path) -> None:
    sheet = tmp_path / "asked by phone.csv"
    sheet.write_text("question,note\nmay I drive,x\n,only a note\n", encoding="utf-8")
    with pytest.raises(QuestionsError, match=r"asked by phone\.csv:3: 'question' must be text"):
        read_asked(sheet)
    sheet.write_text("question\nmay I drive\n", encoding="utf-8")
    assert read_asked(sheet) == [{"id": "asked-by-phone-2", "question": "may I drive", "history": []}]
    lines = tmp_path / "asked.jsonl"
    lines.write_text('{"id": 7, "question": "and then?", "history": ["may I drive"]}\n', encoding="utf-8")
    assert read_asked(lines) == [{"id": "7", "question": "and then?", "history": ["may I drive"]}]
    with pytest.raises(UsageError, match="there is no such file"):
        read_asked(tmp_path / "absent.jsonl")


def test_the_commands_tell_people_and_programs(lightly_taught: tuple[Path, Path], curve: Curve, tmp_path: Path) -> None:
    corpus, index = map(str, lightly_taught)
    write_curve(curve, tmp_path)
    call = ["coverage", "--corpus", corpus, "--index", index, "--curve", str(tmp_path)]
    told = CliRunner().invoke(app, call)
    assert told.exit_code == 0
    assert "Reached by no question: Scar tissue." in told.stdout
    assert "What to write next" in told.stdout
    values = json.loads(CliRunner().invoke(app, [*call, "--json"]).stdout)
    assert set(values) == {"enough", "sections", "passages", "gaps"}
