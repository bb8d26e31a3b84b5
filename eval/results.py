"""eval/RESULTS.md: how our retrieval does on third-party sets, beside published figures."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval.beir import load_beir
from eval.compare import compare
from eval.records import RUN_FILE, Figure, Run, read_run
from eval.retrieval import FED_BACK, FEEDBACK, NEIGHBOURS
from eval.settings import History, Search, System
from eval.third_party import run_beir
from indexer.errors import UsageError
from indexer.evidence import LEXICAL_WEIGHT
from indexer.untaught import READ

RETRIEVAL_SETS = ("nfcorpus", "scifact", "medquad_articles", "mtrag_clapnq", "mtrag_govt")
CONVERSATION_SETS = ("mtrag_clapnq", "mtrag_govt")
ANSWERABILITY_SET = "squad2_dev_half"

MINILM, BGE = "all-MiniLM-L6-v2", "bge-small-en-v1.5"
# What the authors of this model put in front of queries.
BGE_PREFIX = "Represent this sentence for searching relevant passages: "
SYSTEMS = {
    "our default": Search(),
    "the bot's evidence": Search(System.PLAIN),
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
    found = [Plan(name, label, search) for name in RETRIEVAL_SETS for label, search in SYSTEMS.items()]
    found += [answerability_plan(label) for label in SYSTEMS]
    found += [
        Plan(name, "our default", Search(history=history))
        for name in CONVERSATION_SETS
        for history in (History.LAST, History.ALL, History.REWRITE)
    ]
    return tuple(found)


def answerability_plan(label: str) -> Plan:
    """Return the run that tells how well a system knows what an article does not answer."""
    return Plan(ANSWERABILITY_SET, label, replace(SYSTEMS[label], within_article=True))


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


def as_markdown(runs: dict[Plan, Run], own: Sequence[str] = ()) -> str:
    """Return the whole of RESULTS.md; own: the lines on the articles that were taught."""
    some = next(iter(runs.values())).environment
    versions = ", ".join(f"{name} {version}" for name, version in some["versions"].items())
    lines = [
        "# Results",
        "",
        "Made by `python -m eval results`; do not edit.",
        "",
        *own,
        "# Third-party sets",
        "",
        "Articles that nobody taught, read as such an article is. Sets are in BEIR layout. Values come with "
        "their 95 % bootstrap interval over queries; a published value stands in brackets.",
        "",
        f"Python {some['python']}, {some['cpus']} CPUs; {versions}.",
        "",
        "*The bot's evidence* is what the bot has for articles that nobody taught: the cosines of bge-small with a "
        "passage and with its best sentence, and BM25, each "
        f"stretched to 0 … 1, the second weighing {LEXICAL_WEIGHT} of the first. *Our default* adds what a search of "
        "thousands of documents wants: the mean of a passage's neighbours in its article counts "
        f"{NEIGHBOURS} beside it, and the question is moved by {FEEDBACK} towards the first {len(FED_BACK)} passages, "
        f"which weigh {', '.join(map(str, FED_BACK))} in that, and searched again. These "
        "numbers were picked on the five sets below, one value for all of them.",
        "",
    ]
    for measure, title in (("ndcg@10", "nDCG@10"), ("r@5", "R@5"), ("r@100", "R@100"), ("rr", "Reciprocal rank")):
        lines += [f"## {title}", "", *_table(runs, measure), ""]
        if measure == "ndcg@10":
            lines += ["The differences, paired over queries, with their 95 % bootstrap intervals:", ""]
            lines += [*_differences(runs), ""]
    lines += [
        "## Conversations: what is looked up for a later turn",
        "",
        "Our default. *last*: the turn alone; *user*: as the bot reads it, half the turn, a sixth the turn behind the "
        "question before it, a third the turn behind the first question (these shares were picked on these two sets); "
        "*all*: all turns in one text; *rewrite*: the standalone question that the authors of the set wrote. *closed* "
        "is the share of the way from last to rewrite that user goes.",
        "",
        *_conversations(runs),
        "",
        f"## Answerability on {ANSWERABILITY_SET}",
        "",
        "How well the confidence tells questions that the passages answer from those written to be unanswerable "
        "(AUROC, 1/2 is chance), and the share of questions answered wrongly over all thresholds (AUGRC, lower "
        "is better). The passages of the article that a question was asked of are searched. In *our default* and *the "
        f"bot's evidence* a cross-encoder reads the best {READ} of them (indexer/untaught.py). What it makes of them "
        "was fitted on this very set; out of fold over its articles the AUROC is what `python -m eval fit-untaught` "
        "prints. nDCG@10: how high the passage stands that answers.",
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
    lines = ["| | | turns | " + " | ".join(History) + " | closed |", "|---|---|---|" + "---|" * (len(History) + 1)]
    for name in CONVERSATION_SETS:
        own = {history: runs[Plan(name, "our default", Search(history=history))] for history in History}
        for measure, title in (("ndcg@10", "nDCG@10"), ("ndcg@5", "nDCG@5")):
            for part, words in (("all", "all"), ("turn=later", "later")):
                figures = {history: run.figure(part, measure) for history, run in own.items()}
                cells = " | ".join(_cell(figure) for figure in figures.values())
                turns = f"{words} (n = {figures[History.LAST].n})"
                lines.append(f"| {name} | {title} | {turns} | {cells} | {_closed(figures)} |")
    return lines


def _closed(figures: dict[History, Figure]) -> str:
    last, user, rewrite = (figures[history].value for history in (History.LAST, History.USER, History.REWRITE))
    if last is None or user is None or rewrite is None or rewrite <= last:
        return ""
    return f"{(user - last) / (rewrite - last):.0%}"


def _differences(runs: dict[Plan, Run]) -> list[str]:
    lines = [f"| our default less … | {' | '.join(RETRIEVAL_SETS)} |", "|---|" + "---|" * len(RETRIEVAL_SETS)]
    ours = {name: runs[Plan(name, "our default", Search())] for name in RETRIEVAL_SETS}
    for label, search in list(SYSTEMS.items())[1:]:
        cells = []
        for name, own in ours.items():
            found = compare(runs[Plan(name, label, search)], own).differences
            one = next(each for each in found if each.measure == "ndcg@10")
            interval = "" if one.low is None or one.high is None else f" [{one.low:+.3f}, {one.high:+.3f}]"
            cells.append("" if one.difference is None else f"{one.difference:+.3f}{interval}")
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return lines


def _answerability(runs: dict[Plan, Run]) -> list[str]:
    lines = ["| | AUROC | AUGRC | n | nDCG@10 | n |", "|---|---|---|---|---|---|"]
    for label in SYSTEMS:
        auroc, augrc, ndcg = (runs[answerability_plan(label)].figure("all", m) for m in ("auroc", "augrc", "ndcg@10"))
        lines.append(f"| {label} | {_cell(auroc)} | {_cell(augrc)} | {auroc.n:,} | {_cell(ndcg)} | {ndcg.n:,} |")
    return lines


def _cell(figure: Figure) -> str:
    if figure.value is None:
        return "n = 0"
    if figure.low is None or figure.high is None:
        return _short(figure.value)
    return f"{_short(figure.value)} [{_short(figure.low)}, {_short(figure.high)}]"


def _short(value: float) -> str:
    return f"{value:.3f}".replace("0.", ".", 1) if 0 <= value < 1 else f"{value:.3f}"
