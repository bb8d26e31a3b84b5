"""A run: every judged question is put to the bot, and what comes back is kept and scored.

Answers are written one by one while the run goes on; a run that was interrupted continues from there.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bot.bot import Bot
from eval.environment import environment
from eval.judged import JudgedQuestion
from eval.measures import certainty_of, curves, figures
from eval.records import (
    AnswerRecord,
    GoldSpan,
    Run,
    SentenceRecord,
    prepare_folder,
    write_qrels,
    write_run,
    write_trec,
)
from eval.scores import qrels_of, rankings_of, score_answers
from eval.settings import History
from eval.unfinished import Unfinished
from indexer.article import Span
from indexer.corpus import Corpus, file_sha256

RANKED = 100


def run_questions(
    bot: Bot,
    questions: Sequence[JudgedQuestion],
    files: Sequence[Path],
    output: Path,
    *,
    history: History = History.USER,
    only: Sequence[str] = (),
    force: bool = False,
    progress: Callable[[Sequence[JudgedQuestion]], Iterable[JudgedQuestion]] = iter,
) -> Run:
    """Answer and score judged questions, and write the folder `output`.

    history: what the bot is told of a conversation: "last", the question alone; "user" or "all", the earlier
    questions too (the bot's own answers are the article's words, so that there is no more to tell).
    Raises UsageError when `output` holds a finished run or an unfinished one of others, unless `force`.
    """
    settings = {"history": history.value, "only": list(only)}
    asked_of = [{"file": str(path), "sha256": file_sha256(path)} for path in files]
    where = environment()
    prepare_folder(output, force=force)
    about = {"questions": asked_of, "settings": settings, "manifest": bot.index.manifest, "code": where["code"]}
    partial = Unfinished(output, about)
    started, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
    bot.answer("warm up")  # the first question loads what the others find loaded
    places = {sentence.span: number for number, sentence in enumerate(bot.corpus.sentences)}
    with partial:
        for question in progress([question for question in questions if question.id not in partial.done]):
            partial.add(_answer(bot, question, places, history))
    answers = score_answers([partial.done[question.id] for question in questions], bot.corpus)
    run = Run(
        kind="questions",
        questions=tuple(asked_of),
        settings=settings,
        environment=where,
        manifest=bot.index.manifest,
        started=started,
        seconds=round(time.perf_counter() - clock, 3),
        sentences=_sentences(bot.corpus),
        figures=figures(answers),
        curves=curves(certainty_of(answers)),
        answers=answers,
    )
    write_trec(output, rankings_of(answers))
    write_qrels(output, qrels_of(answers))
    write_run(run, output)
    partial.remove()
    return run


def _answer(bot: Bot, question: JudgedQuestion, places: dict[Span, int], history: History) -> AnswerRecord:
    told = () if history is History.LAST else question.history
    clock = time.perf_counter()
    answer = bot.answer(question.text, history=told)
    milliseconds = 1000 * (time.perf_counter() - clock)
    ranking = bot.rank(question.text, history=told)[:RANKED]
    gold_sentences = bot.corpus.sentences_touched(question.answers)
    also_sentences = bot.corpus.sentences_touched(question.also)
    return AnswerRecord(
        id=question.id,
        question=question.text,
        kind=question.kind.value,
        scores={},
        history=question.history,
        split=question.split,
        voice=question.voice,
        author=question.author,
        tags=question.tags,
        turn=question.turn,
        gold=_gold(question.answers, bot.corpus),
        also=_gold(question.also, bot.corpus),
        answer=answer.to_json(bot.corpus),
        ranking=tuple(places[span] for span, _ in ranking),
        gold_sentences=tuple(gold_sentences),
        also_sentences=tuple(number for number in also_sentences if number not in gold_sentences),
        milliseconds=round(milliseconds, 3),
    )


def _gold(spans: Sequence[Span], corpus: Corpus) -> tuple[GoldSpan, ...]:
    return tuple(GoldSpan(span.article, span.start, span.end, corpus.text(span)) for span in spans)


def _sentences(corpus: Corpus) -> tuple[SentenceRecord, ...]:
    records = []
    for sentence in corpus.sentences:
        heading = corpus.passages[sentence.passage].heading
        span = sentence.span
        records.append(
            SentenceRecord(
                span.article, span.start, span.end, corpus.text(span), corpus.text(heading) if heading else None
            )
        )
    return tuple(records)
