"""What decides where nobody taught a question: dense and lexical evidence alone."""

from collections.abc import Mapping, Sequence

from indexer.decision import OUTCOME_FEATURES, SENTENCE_FEATURES, Decider, Logistic


def _row(features: Sequence[str], weights: Mapping[str, float]) -> tuple[float, ...]:
    return tuple(weights.get(name, 0.0) for name in features)


UNTAUGHT = Decider(
    sentence=Logistic(
        (_row(SENTENCE_FEATURES, {"dense": 12.0, "dense lead": 8.0, "lexical": 0.15, "lexical lead": 0.1}),),
        (-10.5,),
    ),
    outcome=Logistic(
        (
            _row(OUTCOME_FEATURES, {"best dense": 20.0, "best lexical": 0.1}),
            _row(OUTCOME_FEATURES, {}),
            _row(OUTCOME_FEATURES, {}),
            _row(OUTCOME_FEATURES, {}),
        ),
        (-14.0, -50.0, 0.0, -50.0),
    ),
    confidence=Logistic(((0.7, 0.5),), (0.0,)),
    answer_threshold=0.5,
    highlight_threshold=0.5,
    part_threshold=0.5,
    emergency_threshold=1.0,
)
