"""What decides where nobody taught a question: likeness, words, and a reader of the best few sentences.

`untaught.json` holds the numbers. `python -m eval fit-untaught --beir FOLDER` fits and writes them, on squad2_dev_half:
the only numbers of the program that come from questions about other articles. Half of the questions of that set ask,
in the words of their article, what it does not answer.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from indexer.decision import Decider
from indexer.encoder import Vectors
from indexer.evidence import OUTCOME_COLUMNS, Evidence
from indexer.reader import Reading

UNTAUGHT_FILE = Path(__file__).with_name("untaught.json")

# So many of the best places are read.
READ = 4
# What a point of the reader's score adds to the fused score; picked on squad2_dev_half (docs/answers.md).
READER_WEIGHT = 0.1

_DECLINED = OUTCOME_COLUMNS.index("declined")


@dataclass(frozen=True)
class Untaught:
    """What decides where nothing was taught.

    `unanswered` (d,) and `bias` weigh the state of the reader on the best place: the log-odds that the question has no
    answer; they stand in for the head's column "declined".
    """

    decider: Decider
    unanswered: tuple[float, ...]
    bias: float

    def to_json(self) -> dict[str, Any]:
        """Return plain values for `untaught.json`."""
        return {"decider": self.decider.to_json(), "unanswered": list(self.unanswered), "bias": self.bias}

    @staticmethod
    def from_json(values: dict[str, Any]) -> "Untaught":
        """Read back what `to_json` wrote."""
        return Untaught(Decider.from_json(values["decider"]), tuple(values["unanswered"]), values["bias"])

    def read(self, evidence: Evidence, read: Callable[[int], Reading]) -> Evidence:
        """Return the evidence of one question with what the reader adds, which `read` asks about a place."""
        ranked, state = read_best(evidence, read)
        outcomes = evidence.outcomes.copy()
        outcomes[0, _DECLINED] = float(state @ np.asarray(self.unanswered)) + self.bias
        return replace(ranked, outcomes=outcomes)


@cache
def load_untaught() -> Untaught:
    """Return what the project ships."""
    return Untaught.from_json(json.loads(UNTAUGHT_FILE.read_text(encoding="utf-8")))


def read_best(evidence: Evidence, read: Callable[[int], Reading]) -> tuple[Evidence, Vectors]:
    """Put the READ best places of one question in the order that their readings suggest, ahead of all others.

    Returns also the state of the reading of the place that is best then.
    """
    fused = evidence.taught[0]
    best = np.argsort(-fused, kind="stable")[:READ]
    readings = [read(int(place)) for place in best]
    scores = np.full(len(fused), min(reading.score for reading in readings))
    scores[best] = [reading.score for reading in readings]
    ranked = fused + READER_WEIGHT * scores
    return replace(evidence, taught=ranked[None, :]), readings[int(np.argmax(ranked[best]))].state
