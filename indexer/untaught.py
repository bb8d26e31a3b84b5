"""What decides where nobody taught a question: dense and lexical evidence alone.

Fitted by `python -m eval fit-untaught --beir FOLDER` on squad2_dev_half, each question within its article: the only
numbers here that come from questions about other articles. Half of the questions of that set ask what their article
does not answer, in its own words; on articles that it was not fitted on, this decider tells them from the others with
an AUROC of .67, and answers 73 % of the answerable ones at a price of half of the unanswerable ones.
"""

from collections.abc import Mapping, Sequence

from indexer.decision import OUTCOME_FEATURES, SENTENCE_FEATURES, Decider, Logistic


def _row(features: Sequence[str], weights: Mapping[str, float]) -> tuple[float, ...]:
    return tuple(weights.get(name, 0.0) for name in features)


_DECLINED = {
    "best taught": -0.680, "second taught": 0.403, "best sentence": 0.122, "second sentence": -0.387,
    "best dense": -3.130, "best lexical": 0.0241,
    "best neighbour": -3.984, "declined neighbour": -0.924, "neighbour lead over declined": -5.196,
}  # fmt: skip

UNTAUGHT = Decider(
    sentence=Logistic((_row(SENTENCE_FEATURES, {"taught": 0.408, "taught lead": 6.806}),), (-0.830,)),
    outcome=Logistic(
        (
            _row(OUTCOME_FEATURES, {}),
            _row(OUTCOME_FEATURES, {}),
            _row(OUTCOME_FEATURES, _DECLINED),
            _row(OUTCOME_FEATURES, {}),
        ),
        (0.0, -50.0, 7.119, -50.0),
    ),
    confidence=Logistic(((1.0364, 0.0368),), (-0.167,)),
    answer_threshold=0.41,
    highlight_threshold=0.5,
    part_threshold=0.5,
    emergency_threshold=1.0,
)
