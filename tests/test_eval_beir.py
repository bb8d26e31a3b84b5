"""Third-party sets: read with care, searched by our own pieces, and set beside published figures."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.beir import BeirSet, Query, Turn, load_beir
from eval.compare import Verdict, compare
from eval.records import Run, read_run
from eval.results import PUBLISHED, RETRIEVAL_SETS, SYSTEMS, as_markdown, gather, plans
from eval.results_own import own_markdown, read_ablations
from eval.retrieval import library_views, readings, with_neighbours
from eval.settings import History, Search, System
from eval.third_party import open_library, run_beir
from eval.untaught import PLACES, fit_untaught
from eval.vectors import document_vectors, sentence_vectors, sentence_views
from indexer.decision import judge
from indexer.encoder import load_encoder
from indexer.errors import QuestionsError, UsageError
from indexer.evidence import fuse, stretched, untaught_evidence
from indexer.untaught import Untaught, load_untaught

CORPUS = [
    {"_id": "knee", "title": "Knees", "text": "Swelling around the knee is usual for three to six months."},
    {"_id": "cast", "title": "A broken wrist", "text": "A broken wrist\nA cast stays on for about six weeks."},
    {"_id": "cat", "title": "", "text": "Cats sleep for most of the day."},
    {"_id": "soup", "title": "Soup", "text": "Lentils are boiled with onions for half an hour."},
]
QUERIES: list[dict[str, Any]] = [
    {"_id": "q1", "text": "how long will my knee be swollen?"},
    {"_id": "q2", "text": "weeks in a cast"},
    {
        "_id": "q3",
        "text": "and how much do they sleep?",
        "history": [{"speaker": "user", "text": "are cats lazy?"}, {"speaker": "agent", "text": "Some say so."}],
        "rewrite": "how much do cats sleep?",
        "is_answerable": True,
    },
    {"_id": "q4", "text": "who won the election?", "is_answerable": False},
    {"_id": "q5", "text": "not judged"},
]
QRELS = ["query-id\tcorpus-id\tscore", "q1\tknee\t2", "q1\tcat\t0", "q2\tcast\t1", "q3\tcat\t1"]


def write_set(folder: Path, corpus: Sequence[Any], queries: Sequence[Any], qrels: Sequence[str]) -> Path:
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    for name, rows in (("corpus.jsonl", corpus), ("queries.jsonl", queries)):
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text("\n".join(qrels) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_set(tmp_path_factory.mktemp("sets") / "tiny", CORPUS, QUERIES, QRELS)


@pytest.fixture(scope="module")
def tiny(tiny_folder: Path) -> BeirSet:
    return load_beir(tiny_folder)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def test_a_set_holds_the_queries_that_it_judges(tiny: BeirSet) -> None:
    assert tiny.name == "tiny"
    assert [query.id for query in tiny.queries] == ["q1", "q2", "q3", "q4"]
    assert tiny.queries[0].relevant == {"knee": 2}, "grade 0 is not relevant"
    assert tiny.queries[3].answerable is False
    assert tiny.queries[2].history == (Turn("are cats lazy?", True), Turn("Some say so.", False))


def test_a_title_is_put_in_front_once(tiny: BeirSet) -> None:
    texts = {document.id: document.text for document in tiny.documents}
    assert texts["knee"].startswith("Knees Swelling")
    assert texts["cast"] == "A broken wrist A cast stays on for about six weeks."
    assert texts["cat"] == "Cats sleep for most of the day."


@pytest.mark.parametrize(
    ("corpus", "queries", "qrels", "message"),
    [
        ([*CORPUS, "{half"], QUERIES, QRELS, r"corpus.jsonl:5: not valid JSON"),
        ([*CORPUS, {"_id": "x"}], QUERIES, QRELS, r"corpus.jsonl:5: 'text' must be text"),
        ([*CORPUS, CORPUS[0]], QUERIES, QRELS, r"corpus.jsonl:5: '_id' 'knee' stands there twice"),
        ([*CORPUS, {"_id": "a b", "text": "x"}], QUERIES, QRELS, r"corpus.jsonl:5: '_id' must not be empty"),
        (CORPUS, [*QUERIES, {"_id": "x", "text": "y", "history": "z"}], QRELS, r"queries.jsonl:6: 'history'"),
        (CORPUS, [*QUERIES, {"_id": "x", "text": "y", "is_answerable": 3}], QRELS, r"queries.jsonl:6: 'is_answ"),
        (CORPUS, QUERIES, [*QRELS, "q1\tdog\t1"], r"test.tsv:6: document 'dog' is not in corpus.jsonl"),
        (CORPUS, QUERIES, [*QRELS, "q9\tcat\t1"], r"query 'q9' is not in "),
        (CORPUS, QUERIES, [*QRELS, "q1 cat 1"], r"test.tsv:6: a row is query, document and grade"),
        ([], QUERIES, QRELS, r"corpus.jsonl: nothing is in it"),
    ],
)
def test_a_wrong_set_is_told_with_file_and_line(
    tmp_path: Path, corpus: list[Any], queries: list[Any], qrels: list[str], message: str
) -> None:
    with pytest.raises(QuestionsError, match=message):
        load_beir(write_set(tmp_path, corpus, queries, qrels))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file; a set in BEIR layout has"):
        load_beir(tmp_path)


@pytest.mark.parametrize("system", list(System))
def test_every_system_finds_what_says_the_same(tiny: BeirSet, cache: Path, tmp_path: Path, system: System) -> None:
    run = run_beir(tiny, tmp_path, cache, Search(system))
    best = {answer.id: tiny.documents[answer.ranking[0]].id for answer in run.answers}
    assert (best["q1"], best["q2"], best["q3"]) == ("knee", "cast", "cat")
    assert run.figure("all", "ndcg@10").n == 3
    assert run.figure("all", "ndcg@10").value == 1
    assert run.figure("all", "auroc").n == 4
    assert run.settings["system"] == system.value


def test_exported_files_give_the_same_figures_to_the_last_digit(tiny: BeirSet, cache: Path, tmp_path: Path) -> None:
    run = run_beir(tiny, tmp_path, cache, Search(history=History.LAST))
    qrels = list(ir_measures.read_trec_qrels(str(tmp_path / "qrels.trec")))  # type: ignore[no-untyped-call]
    ranking = list(ir_measures.read_trec_run(str(tmp_path / "run.trec")))  # type: ignore[no-untyped-call]
    for name, measure in (("ndcg@10", ir_measures.nDCG @ 10), ("rr", ir_measures.RR), ("r@5", ir_measures.R @ 5)):
        found = ir_measures.calc_aggregate([measure], qrels, ranking)[measure]
        assert run.figure("all", name).value == pytest.approx(found, abs=1e-9)
    assert read_run(tmp_path).figures == run.figures


def test_runs_over_a_set_can_be_compared(tiny: BeirSet, cache: Path, tmp_path: Path) -> None:
    first = run_beir(tiny, tmp_path / "a", cache, Search(System.BM25))
    second = run_beir(tiny, tmp_path / "b", cache, Search(System.DENSE))
    verdicts = {each.verdict for each in compare(first, second).differences if each.n}
    assert verdicts == {Verdict.TIE}, "four queries prove nothing"
    with pytest.raises(UsageError, match="finished run is here"):
        run_beir(tiny, tmp_path / "a", cache, Search(System.BM25))


def test_documents_are_encoded_once_for_each_content(tiny: BeirSet, tmp_path: Path) -> None:
    encoder = load_encoder()
    first = document_vectors(tiny, encoder, tmp_path)
    (folder,) = tmp_path.iterdir()
    (chunk,) = folder.iterdir()
    np.savez(chunk, vectors=first[::-1])
    assert np.array_equal(document_vectors(tiny, encoder, tmp_path), first[::-1]), "read back, not encoded again"
    edited = replace(tiny, documents=(replace(tiny.documents[0], body="Another text."), *tiny.documents[1:]))
    assert not np.array_equal(document_vectors(edited, encoder, tmp_path), first)
    assert len(list(tmp_path.iterdir())) == 2


def test_an_interrupted_encoding_continues(tiny: BeirSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eval.vectors.CHUNK", 1)
    encoder = load_encoder()

    def stop_after_two(starts: Sequence[int]) -> Iterable[int]:
        yield from starts[:2]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        document_vectors(tiny, encoder, tmp_path, stop_after_two)
    (folder,) = tmp_path.iterdir()
    assert len(list(folder.iterdir())) == 2
    expected = encoder.encode([document.text for document in tiny.documents])
    assert np.array_equal(document_vectors(tiny, encoder, tmp_path), expected)


def test_a_follow_up_is_read_as_the_history_option_says(tiny: BeirSet) -> None:
    follow_up: Query = tiny.queries[2]
    assert readings(follow_up, History.LAST) == {"and how much do they sleep?": 1}
    behind_the_only_one = "are cats lazy? and how much do they sleep?"
    assert readings(follow_up, History.USER) == pytest.approx({follow_up.text: 1 / 2, behind_the_only_one: 1 / 2})
    assert readings(follow_up, History.ALL) == {"are cats lazy? Some say so. and how much do they sleep?": 1}
    assert readings(follow_up, History.REWRITE) == {"how much do cats sleep?": 1}
    assert all(readings(tiny.queries[0], history) == {tiny.queries[0].text: 1} for history in History)


def test_the_first_question_counts_more_than_the_one_before(tiny: BeirSet) -> None:
    history = tuple(Turn(text, True) for text in ("are cats lazy?", "what do they eat?"))
    found = readings(replace(tiny.queries[2], history=history), History.USER)
    assert list(found) == [
        "and how much do they sleep?",
        "what do they eat? and how much do they sleep?",
        "are cats lazy? and how much do they sleep?",
    ]
    assert list(found.values()) == pytest.approx([1 / 2, 1 / 6, 1 / 3])


def test_every_sentence_is_read_behind_its_title(tiny: BeirSet, tmp_path: Path) -> None:
    two = replace(tiny.documents[0], title="Knees", body="They swell. It passes.")
    assert sentence_views(two) == ["Knees. They swell.", "Knees. It passes."]
    assert sentence_views(replace(two, title="")) == ["They swell.", "It passes."]
    encoder = load_encoder()
    vectors, first = sentence_vectors(replace(tiny, documents=(two, tiny.documents[1], two)), encoder, tmp_path)
    assert first.tolist() == [0, 2, 3]
    assert np.array_equal(vectors[:2], encoder.encode(sentence_views(two)))


scores = st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=20).map(np.array)


@given(scores)
def test_stretched_scores_keep_their_order_and_lie_between_0_and_1(values: np.ndarray[Any, Any]) -> None:
    found = stretched(values)
    assert found.min() >= 0
    assert found.max() <= 1
    assert np.all(np.diff(found[np.argsort(values, kind="stable")]) >= 0)


def test_fused_scores_lean_on_meaning_more_than_on_words() -> None:
    fused = fuse(np.array([0.9, 0.1, 0.8]), np.array([0.0, 9.0, 9.0]))
    assert fused.argmax() == 2
    assert fused[0] > fused[1]


def test_a_passage_gains_by_its_neighbours_in_the_same_article() -> None:
    joined = np.array([True, True, False])
    mixed = with_neighbours(np.array([0.0, 0.8, 1.0, 0.4]), joined)
    assert mixed[0] == pytest.approx(0.16), "a fifth of its only neighbour"
    assert mixed[1] == pytest.approx((0.8 + 0.25 * 0.5) / 1.25)
    assert mixed[3] == pytest.approx(0.4), "without a neighbour it stays as it is"


def test_a_question_moves_most_towards_what_it_found_first() -> None:
    documents = np.eye(7, dtype=np.float32)[1:]
    asked = np.eye(7, dtype=np.float32)[:1]
    moved = library_views(documents, None).moved(asked, np.arange(5))[0]
    assert np.linalg.norm(moved) == pytest.approx(1)
    assert np.all(np.diff(moved) < 0), "the question itself first, then the passages in the order they were found"
    assert moved[6] == 0, "what was not found pulls at nothing"
    few = library_views(documents, None).moved(asked, np.arange(2))[0]
    assert few[1] > few[2] > few[3] == 0, "an article may have fewer passages than are fed back"


def test_only_the_article_that_was_asked_of_is_searched(cache: Path, tmp_path: Path) -> None:
    corpus = [row | {"article": "home" if row["_id"] in ("cat", "soup") else "body"} for row in CORPUS]
    queries = [QUERIES[0] | {"article": "home"}, QUERIES[1] | {"article": "body"}]
    folder = write_set(tmp_path / "articles", corpus, queries, QRELS[:4])
    run = run_beir(load_beir(folder), tmp_path / "run", cache, Search(within_article=True))
    names = {answer.id: {corpus[number]["_id"] for number in answer.ranking} for answer in run.answers}
    assert names == {"q1": {"cat", "soup"}, "q2": {"knee", "cast"}}


def test_a_set_that_tells_no_articles_cannot_be_searched_within_them(
    tiny: BeirSet, cache: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="does not tell the article of every query"):
        run_beir(tiny, tmp_path, cache, Search(within_article=True))


def test_a_set_too_small_to_fit_on_is_told(tiny: BeirSet, cache: Path) -> None:
    library = open_library(tiny, Search(System.PLAIN), load_encoder(), cache, lambda rows, _: rows)
    with pytest.raises(UsageError, match="too little to fit on"):
        fit_untaught(tiny, library, tiny.queries)


def test_what_an_article_does_not_answer_is_learned_from_other_articles(cache: Path, tmp_path: Path) -> None:
    topics = ["bread", "rivers", "chess", "violins", "glass", "bees", "roofs", "trains"]
    corpus = [
        {"_id": f"{t}{n}", "title": t, "text": f"Number {n} of what is said about {t}.", "article": t}
        for t in topics
        for n in range(PLACES)
    ]
    queries: list[dict[str, Any]] = []
    for t in topics:
        queries.append({"_id": f"a{t}", "text": f"what is number 3 of {t}?", "article": t, "is_answerable": True})
        queries.append({"_id": f"d{t}", "text": "who won the election?", "article": t, "is_answerable": False})
    qrels = ["query-id\tcorpus-id\tscore", *(f"a{t}\t{t}3\t1" for t in topics)]
    small = load_beir(write_set(tmp_path / "topics", corpus, queries, qrels))
    library = open_library(small, Search(System.PLAIN), load_encoder(), cache, lambda rows, _: rows)
    fitted = fit_untaught(small, library, small.queries)
    assert fitted.figures["auroc"] > 0.9
    assert fitted.figures["answerable: answered"] > fitted.figures["unanswerable: answered"]
    assert fitted.figures["answerable: answered"] > fitted.figures["asked of another article: answered"]
    assert Untaught.from_json(json.loads(json.dumps(fitted.untaught.to_json()))) == fitted.untaught


def test_confidence_rises_with_the_evidence() -> None:
    def confidence(best: float) -> float:
        dense = np.array([[best, 0.5, 0.4, 0.4]])
        evidence = untaught_evidence(dense, dense, np.array([[5.0, 0.0, 0.0, 0.0]]))
        return judge(load_untaught().decider, evidence)[0].confidence

    assert 0 <= confidence(0.55) < confidence(0.7) < confidence(0.9) <= 1


def test_what_each_part_is_worth_is_read_from_what_ablation_printed(tmp_path: Path) -> None:
    row = {
        "without": "head",
        "first_right": 0.7,
        "first_right_change": [-0.2, -0.1],
        "auroc": 0.9,
        "auroc_change": None,
    }
    file = tmp_path / "ablation.json"
    file.write_text(json.dumps({"articles": ["one"], "without": [row]}) + "\n", encoding="utf-8")
    lines = own_markdown(read_ablations(file), None, None)
    assert "| head | 0.700 | -0.200 … -0.100 | 0.900 |  |" in lines
    file.write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match="run it again"):
        read_ablations(file)


@pytest.fixture(scope="module")
def gathered(tiny: BeirSet, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    """A folder in which every run of the results is there already: one of the tiny set stands in for each."""
    runs = tmp_path_factory.mktemp("gathered")
    run = run_beir(tiny, runs / "one", cache, Search(System.BM25))
    for plan in plans():
        (runs / plan.folder).mkdir()
        for name in ("run.json", "answers.jsonl"):
            (runs / plan.folder / name).write_bytes((runs / "one" / name).read_bytes())
    return runs, run


def test_results_stand_beside_what_is_published(gathered: tuple[Path, Run], cache: Path) -> None:
    runs, _ = gathered
    page = as_markdown(gather(Path("none"), runs, cache, note=print, progress=lambda rows, _: rows))
    assert page.startswith("# Results\n")
    assert "\n# Third-party sets\n" in page
    tables = [line for line in page.splitlines() if line.startswith("| ")]
    for label in SYSTEMS:
        differences = 0 if label == "our default" else 1
        assert sum(line.startswith(f"| {label} |") for line in tables) == 5 + differences, label
    bm25 = next(line for line in tables if line.startswith("| BM25 |"))
    assert f"({PUBLISHED['BM25', 'nfcorpus']:.3f})".replace("0.", ".") in bm25
    assert all(f"{name} (n = 3)" in page for name in RETRIEVAL_SETS)


def test_a_set_that_is_not_there_is_named(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nfcorpus: there is no such set"):
        gather(tmp_path, tmp_path / "runs", cache, note=print, progress=lambda rows, _: rows)


def test_every_run_of_the_results_has_a_folder_of_its_own() -> None:
    folders = [plan.folder for plan in plans()]
    assert len(set(folders)) == len(folders)
    assert all(folder.replace("-", "").replace("_", "").isalnum() for folder in folders)
