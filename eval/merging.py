"""Verdicts of several judges → one file of judged questions, and how far the judges agree."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from bot.files import write_atomically
from eval.judging import COLUMNS, Judgement
from eval.repeats import Asked, encode_with, find_repeats, taught_questions
from eval.sheets import write_sheet
from eval.statistics import Floats, Ints, bootstrap_interval
from indexer.article import Article
from indexer.errors import QuestionsError
from indexer.index import Index
from indexer.questions import normalise, read_rows


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two judges give the same verdict on the `n` answers that both judged.

    `kappa` is Cohen's, with its 95 % interval; None where it is not defined: nothing is shared, or both judges
    gave one and the same verdict throughout.
    """

    first: str
    second: str
    n: int
    same: float | None
    kappa: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Merged:
    """What the judges say together: settled judgements, one a question, and the questions they differ on."""

    settled: tuple[Judgement, ...]
    differing: tuple[tuple[Judgement, ...], ...]
    agreements: tuple[Agreement, ...]


def merge(judgements: Sequence[Judgement], settled: Sequence[Judgement] = ()) -> Merged:
    """Put the judges together: where what is right is the same by all, it is settled.

    settled: judgements that count where judges differ. Raises QuestionsError when two sheets have another
    question under the same id, or `settled` has an id that no judge had.
    """
    by_id: dict[str, list[Judgement]] = {}
    for judgement in judgements:
        own = by_id.setdefault(judgement.id, [])
        if own and (own[0].question, own[0].history) != (judgement.question, judgement.history):
            raise QuestionsError(
                f"{judgement.where}: '{judgement.id}' is another question at {own[0].where}; "
                "judge sheets of the same export."
            )
        own.append(judgement)
    final = {judgement.id: judgement for judgement in settled}
    for identity, judgement in final.items():
        if identity not in by_id:
            raise QuestionsError(f"{judgement.where}: unknown id '{identity}': no judge's sheet has it.")
    differing = []
    for identity, own in by_id.items():
        if identity in final:
            continue
        if len({_gold(judgement) for judgement in own}) == 1:
            final[identity] = own[0]
        else:
            differing.append(tuple(own))
    settled_in_order = tuple(final[identity] for identity in by_id if identity in final)
    return Merged(settled_in_order, tuple(differing), agreements(judgements))


def agreements(judgements: Sequence[Judgement]) -> tuple[Agreement, ...]:
    """Return the agreement of every two judges."""
    by_judge: dict[str, dict[str, str]] = {}
    for judgement in judgements:
        by_judge.setdefault(judgement.judge, {})[judgement.id] = judgement.verdict.value
    return tuple(_agreement(a, by_judge[a], b, by_judge[b]) for a, b in combinations(by_judge, 2))


def kappa(first: Ints, second: Ints) -> Floats:
    """Return Cohen's kappa of two judges' labels, shape (..., n) to (...); nan where chance alone would agree."""
    observed = (first == second).mean(axis=-1)
    labels = np.union1d(first, second)
    chance = sum((first == label).mean(axis=-1) * (second == label).mean(axis=-1) for label in labels)
    beyond = np.asarray(1 - chance, dtype=np.float64)
    return np.asarray(np.divide(observed - chance, beyond, out=np.full(np.shape(beyond), np.nan), where=beyond > 1e-12))


def without_repeats(judgements: Sequence[Judgement], index: Index) -> tuple[list[Judgement], list[str]]:
    """Part the judgements that may be judged from those whose question nearly repeats a taught one.

    Returns the first, and for each of the others a line that says which taught question it repeats.
    """
    asked = [Asked(each.where, each.question, each.history[-1] if each.history else None) for each in judgements]
    found = find_repeats(asked, taught_questions(index.corpus), encode_with(index))
    repeats = {repeat.left.name: repeat.right.name for repeat in found}
    lines = [
        f"{where}: nearly repeats {name}; what is taught is not judged, so it is left out."
        for where, name in repeats.items()
    ]
    return [judgement for judgement in judgements if judgement.where not in repeats], lines


def write_judged(
    path: Path, judgements: Sequence[Judgement], articles: Sequence[Article], *, dry_run: bool = False
) -> tuple[int, int]:
    """Merge judgements into a file of judged questions, and return how many were added and how many changed.

    A question whose id is in the file keeps its other fields and gets the new answers; others come at the end.
    Raises QuestionsError when an id there belongs to another question.
    """
    rows = {str(row.get("id", number)): row for number, row in read_rows(path)} if path.is_file() else {}
    words = {article.id: article for article in articles}
    added = changed = 0
    for judgement in judgements:
        known = rows.get(judgement.id)
        if known is not None and normalise(known["question"]) != normalise(judgement.question):
            raise QuestionsError(f"{judgement.where}: id '{judgement.id}' is another question in {path}.")
        row: dict[str, Any] = {**(known or {"id": judgement.id, "question": judgement.question})}
        row["answers"] = [words[span.article].slice(span) for span in judgement.answers]
        row["also"] = [words[span.article].slice(span) for span in judgement.also]
        row["kind"] = judgement.kind.value
        if judgement.history and known is None:
            row["history"] = list(judgement.history)
        added += known is None
        changed += known is not None and known != row
        rows[judgement.id] = row
    if not dry_run:
        write_atomically(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows.values()))
    return added, changed


def write_differing(path: Path, differing: Sequence[Sequence[Judgement]]) -> None:
    """Write a sheet of the questions that judges differ on, to be filled by who settles them.

    What the judges said stands under `remark`.
    """
    names = [column.name for column in COLUMNS]
    rows = []
    for own in differing:
        cells = dict(zip(names, own[0].cells, strict=True))
        said = [_said(dict(zip(names, each.cells, strict=True)), each) for each in own]
        cells |= {"verdict": "", "right words": "", "remark": "\n".join(said)}
        rows.append([cells[name] for name in names])
    write_sheet(path, COLUMNS, rows)


def _said(cells: dict[str, str], judgement: Judgement) -> str:
    parts = [f"{judgement.judge}: {judgement.verdict}", cells["right words"], cells["remark"]]
    return " – ".join(part for part in parts if part)


def _gold(judgement: Judgement) -> object:
    return judgement.kind, frozenset(judgement.answers)


def _agreement(first: str, own: dict[str, str], second: str, others: dict[str, str]) -> Agreement:
    shared = [identity for identity in own if identity in others]
    labels = sorted({*own.values(), *others.values()})
    a = np.array([labels.index(own[identity]) for identity in shared], dtype=np.int64)
    b = np.array([labels.index(others[identity]) for identity in shared], dtype=np.int64)
    if not shared:
        return Agreement(first, second, 0, None, None, None, None)
    value = float(kappa(a, b))
    if not np.isfinite(value):
        return Agreement(first, second, len(shared), float((a == b).mean()), None, None, None)
    low, high = bootstrap_interval(lambda rows: kappa(a[rows], b[rows]), len(shared)) or (None, None)
    return Agreement(first, second, len(shared), float((a == b).mean()), value, low, high)
