"""eval/RESULTS.md: how our retrieval does on third-party sets, beside published figures."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.beir import load_beir
from eval.records import RUN_FILE, Figure, Run, read_run
from eval.retrieval import LEXICAL_WEIGHT
from eval.settings import History, Search, System
from eval.third_party import run_beir
from indexer.errors import UsageError

RETRIEVAL_SETS = ("nfcorpus", "scifact", "medquad_articles", "mtrag_clapnq", "mtrag_govt")
CONVERSATION_SETS = ("mtrag_clapnq", "mtrag_govt")
ANSWERABILITY_SET = "squad2_dev_half"

MINILM, BGE = "all-MiniLM-L6-v2", "bge-small-en-v1.5"
# What the authors of this model put in front of queries.
BGE_PREFIX = "Represent this sentence for searching relevant passages: "
SYSTEMS = {
    "our default": Search(),
    "BM25": Search(System.BM25),
    "MiniLM-L6": Search(System.DENSE, MINILM),
    "bge-small": Search(System.DENSE, BGE),
    "bge-small, with its query prefix": Search(System.DENSE, BGE, query_prefix=BGE_PREFIX),
}
# nDCG@10 as published: Pyserini's BM25 over title and text as one field; the models' rows of MTEB.
PUBLISHED = {
    ("BM25", "nfcorpus"): 0.322,
    ("BM25", "scifact"): 0.679,
    ("MiniLM-L6", "nfcorpus"): 0.316,
    ("MiniLM-L6", "scifact"): 0.645,
    ("bge-small, with its query prefix", "nfcorpus"): 0.343,
    ("bge-small, with its query prefix", "scifact"): 0.713,
}

Progress = Callable[[Sequence[Any], str], Iterable[Any]]


@dataclass(frozen=True, slots=True)
class Plan:
    """One run that the results need."""

    set: str
    label: str
    search: Search

    @property
    def folder(self) -> str:
        """The name of its folder of all runs."""
        words = (self.set, self.label, self.search.history.value)
        return "-".join("".join(c for c in word if c.isalnum() or c in "_ ").replace(" ", "_") for word in words)


def plans() -> tuple[Plan, ...]:
    """Return the runs that the results are made of."""
    found = [
        Plan(name, label, search) for name in (*RETRIEVAL_SETS, ANSWERABILITY_SET) for label, search in SYSTEMS.items()
    ]
    found += [
        Plan(name, "our default", Search(history=history))
        for name in CONVERSATION_SETS
        for history in (History.LAST, History.ALL, History.REWRITE)
    ]
    return tuple(found)


def gather(data: Path, runs: Path, cache: Path, *, note: Callable[[str], None], progress: Progress) -> dict[Plan, Run]:
    """Return every run of `plans`; those that are not in `runs` yet are made, on the sets in `data`."""
    found: dict[Plan, Run] = {}
    for plan in plans():
        folder = runs / plan.folder
        if (folder / RUN_FILE).is_file():
            found[plan] = read_run(folder)
            continue
        if not (data / plan.set).is_dir():
            raise UsageError(f"{data / plan.set}: there is no such set; name the folder of all sets with --data.")
        note(f"{plan.set}, {plan.label}, history {plan.search.history}")
        found[plan] = run_beir(load_beir(data / plan.set), folder, cache, plan.search, progress=progress)
    return found


def as_markdown(runs: dict[Plan, Run]) -> str:
    """Return the whole of RESULTS.md."""
    some = next(iter(runs.values())).environment
    versions = ", ".join(f"{name} {version}" for name, version in some["versions"].items())
    lines = [
        "# Results on third-party sets",
        "",
        "Made by `python -m eval results --data FOLDER`; do not edit. Sets are in BEIR layout. Values come with "
        "their 95 % bootstrap interval over queries; a published value stands in brackets.",
        "",
        f"Python {some['python']}, {some['cpus']} CPUs; {versions}.",
        "",
        "*Our default* fuses the two kinds of evidence there are for documents that nobody taught: cosine of "
        "bge-small and BM25, each "
        f"stretched to 0 … 1, the second weighing {LEXICAL_WEIGHT} of the first.",
        "",
    ]
    for measure, title in (("ndcg@10", "nDCG@10"), ("r@5", "R@5"), ("r@100", "R@100"), ("rr", "Reciprocal rank")):
        lines += [f"## {title}", "", *_table(runs, measure), ""]
    lines += [
        "## Conversations: what is looked up for a later turn",
        "",
        "nDCG@10 of our default. *last*: the turn alone; *user*: as the bot reads it, the turn and the turn behind "
        "the question before it, averaged; *all*: all turns in one text; *rewrite*: the standalone question that "
        "the authors of the set wrote.",
        "",
        *_conversations(runs),
        "",
        f"## Answerability on {ANSWERABILITY_SET}",
        "",
        "How well the confidence tells questions that the passages answer from those written to be unanswerable "
        "(AUROC, 1/2 is chance), and the share of questions answered wrongly over all thresholds (AUGRC, lower "
        "is better). All passages are searched, not only the one that a question was written for.",
        "",
        *_answerability(runs),
    ]
    return "\n".join(lines) + "\n"


def _table(runs: dict[Plan, Run], measure: str) -> list[str]:
    first = [f"| | {' | '.join(_heading(runs, name) for name in RETRIEVAL_SETS)} |"]
    lines = [*first, "|---|" + "---|" * len(RETRIEVAL_SETS)]
    for label, search in SYSTEMS.items():
        cells = []
        for name in RETRIEVAL_SETS:
            cell = _cell(runs[Plan(name, label, search)].figure("all", measure))
            published = PUBLISHED.get((label, name)) if measure == "ndcg@10" else None
            cells.append(f"{cell} ({_short(published)})" if published else cell)
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return lines


def _heading(runs: dict[Plan, Run], name: str) -> str:
    return f"{name} (n = {runs[Plan(name, 'our default', Search())].figure('all', 'ndcg@10').n:,})"


def _conversations(runs: dict[Plan, Run]) -> list[str]:
    lines = ["| | turns | " + " | ".join(History) + " |", "|---|---|" + "---|" * len(History)]
    for name in CONVERSATION_SETS:
        for part, words in (("all", "all"), ("turn=later", "later")):
            own = [runs[Plan(name, "our default", Search(history=history))] for history in History]
            cells = [_cell(run.figure(part, "ndcg@10")) for run in own]
            lines.append(f"| {name} | {words} (n = {own[0].figure(part, 'ndcg@10').n}) | {' | '.join(cells)} |")
    return lines


def _answerability(runs: dict[Plan, Run]) -> list[str]:
    lines = ["| | AUROC | AUGRC | n |", "|---|---|---|---|"]
    for label, search in SYSTEMS.items():
        run = runs[Plan(ANSWERABILITY_SET, label, search)]
        auroc, augrc = run.figure("all", "auroc"), run.figure("all", "augrc")
        lines.append(f"| {label} | {_cell(auroc)} | {_cell(augrc)} | {auroc.n:,} |")
    return lines


def _cell(figure: Figure) -> str:
    if figure.value is None:
        return "n = 0"
    if figure.low is None or figure.high is None:
        return _short(figure.value)
    return f"{_short(figure.value)} [{_short(figure.low)}, {_short(figure.high)}]"


def _short(value: float) -> str:
    return f"{value:.3f}".replace("0.", ".", 1) if 0 <= value < 1 else f"{value:.3f}"
