"""Scores of one answer: what the patient was shown against what would have been right."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import ir_measures
from ir_measures import RR, Measure, Qrel, ScoredDoc, nDCG

from bot.answer import Outcome
from eval.judged import ANSWERABLE
from eval.records import AnswerRecord, Ranking, Relevance
from indexer.article import Span
from indexer.corpus import Corpus
from indexer.questions import Kind

QUOTES_AT_ONCE = 3
RANKING_MEASURES = {"rr": RR, "ndcg@10": nDCG @ 10}


def score_answers(answers: Sequence[AnswerRecord], corpus: Corpus) -> tuple[AnswerRecord, ...]:
    """Return the answers with their scores; a score is None where its measure does not apply."""
    ranked = ranking_scores(qrels_of(answers), rankings_of(answers), RANKING_MEASURES)
    none = dict.fromkeys(RANKING_MEASURES, None)
    return tuple(
        replace(answer, scores={**_answer_scores(answer, corpus), **ranked.get(answer.id, none)}) for answer in answers
    )


def ranking_scores(
    qrels: Iterable[Relevance], rankings: Iterable[Ranking], measures: Mapping[str, Measure]
) -> dict[str, dict[str, float]]:
    """Return the measures, computed by ir_measures, for every question that has qrels, by its id."""
    names = {measure: name for name, measure in measures.items()}
    run = [ScoredDoc(question, *pair) for question, pairs in rankings for pair in pairs]
    scores: dict[str, dict[str, float]] = {}
    for found in ir_measures.iter_calc(list(names), [Qrel(*row) for row in qrels], run):
        scores.setdefault(found.query_id, {})[names[found.measure]] = float(found.value)
    return scores


def qrels_of(answers: Iterable[AnswerRecord]) -> list[Relevance]:
    """Return (question id, sentence number, 1) for every gold sentence."""
    return [(answer.id, str(number), 1) for answer in answers for number in answer.gold_sentences]


def rankings_of(answers: Iterable[AnswerRecord]) -> list[Ranking]:
    """Return every question's sentence numbers, best first, with falling scores that no tool reorders."""
    return [
        (answer.id, [(str(number), float(-rank)) for rank, number in enumerate(answer.ranking, start=1)])
        for answer in answers
    ]


def _answer_scores(record: AnswerRecord, corpus: Corpus) -> dict[str, float | None]:
    answer, kind = record.answer, Kind(record.kind)
    outcome = Outcome(answer["outcome"])
    gold, fine = set(record.gold_sentences), {*record.gold_sentences, *record.also_sentences}
    quotes = [_whole_sentences(quote, corpus) for quote in answer["quotes"]]
    highlights = [set(corpus.sentences_touched(_highlights(quote))) for quote in answer["quotes"]]
    lit = set().union(*highlights)
    shown = set().union(*quotes)
    answerable, showed = kind in ANSWERABLE, outcome in (Outcome.ANSWERED, Outcome.OVERVIEW)
    return {
        "first quote right": _if(answerable, bool(highlights and highlights[0] & gold)),
        "shown@3": _if(answerable, bool(set().union(*quotes[:QUOTES_AT_ONCE]) & gold)),
        "shown": _if(answerable, bool(shown & gold)),
        "highlighted": _if(answerable, bool(lit & gold)),
        "highlight precision": _if(
            answerable and outcome is Outcome.ANSWERED and bool(lit), len(lit & fine) / max(1, len(lit))
        ),
        "characters before answer": _characters_before(record, corpus) if answerable else None,
        "overview share": _if(kind is Kind.OVERVIEW, len(shown & gold) / max(1, len(gold))),
        "answered": _if(answerable, showed),
        "declined": _if(kind is Kind.DECLINED, outcome is Outcome.DECLINED),
        "emergency notice": _if(kind is Kind.EMERGENCY, outcome is Outcome.EMERGENCY and not answer["quotes"]),
        "false alarm": _if(answerable, outcome is Outcome.EMERGENCY),
        "verbatim": float(_is_verbatim(answer, corpus)),
    }


def _if(applies: bool, value: float) -> float | None:
    return float(value) if applies else None


def _whole_sentences(quote: Mapping[str, Any], corpus: Corpus) -> set[int]:
    """Return the sentences that lie in the text of a quote as a whole."""
    return {
        number
        for number, sentence in enumerate(corpus.sentences)
        if sentence.span.article == quote["article"]
        and quote["start"] <= sentence.span.start
        and sentence.span.end <= quote["end"]
    }


def _highlights(quote: Mapping[str, Any]) -> list[Span]:
    return [Span(quote["article"], each["start"], each["end"]) for each in quote["highlights"]]


def _characters_before(record: AnswerRecord, corpus: Corpus) -> float | None:
    """Return how many characters are read before the first gold sentence; None when none is shown."""
    read = 0
    for quote in record.answer["quotes"]:
        if right := _whole_sentences(quote, corpus) & set(record.gold_sentences):
            return float(read + min(corpus.sentences[number].span.start for number in right) - quote["start"])
        read += quote["end"] - quote["start"]
    return None


def _is_verbatim(answer: Mapping[str, Any], corpus: Corpus) -> bool:
    """Return whether every text that the answer gives as the article's equals the slice that it names."""
    by_article = [
        quote["article"] in corpus.articles
        and quote["article_sha256"] == corpus.articles[quote["article"]].sha256
        and corpus.articles[quote["article"]].text[quote["start"] : quote["end"]] == quote["text"]
        for quote in answer["quotes"]
    ]
    attribution = [answer["attribution"]] if answer["attribution"] else []
    elsewhere = [
        any(article.text[piece["start"] : piece["end"]] == piece["text"] for article in corpus.articles.values())
        for piece in [*answer["see_also"], *attribution, *answer.get("topics", [])]
    ]
    return all(by_article) and all(elsewhere)
