"""What `python -m indexer check` proves: every span and every hash."""

from pathlib import Path

from indexer.blocks import BLANK
from indexer.corpus import Corpus, load_corpus
from indexer.errors import IndexFormatError, StaleIndexError
from indexer.storage import load_index


def check_corpus(folder: Path) -> list[str]:
    """Return what is wrong with the spans of a corpus: nothing, if parsing keeps its promises."""
    corpus = load_corpus(folder)
    problems: list[str] = []
    for article in corpus.articles.values():
        covered = [0] * len(article.text)
        for block in article.blocks:
            for at in range(block.start, block.end):
                covered[at] += 1
        for at, times in enumerate(covered):
            if times > 1 or (times == 0 and not BLANK.fullmatch(article.text[at])):
                problems.append(f"{article.id}: character {at} lies in {times} blocks, not in one")
                break
    return problems + _check_sentences(corpus)


def _check_sentences(corpus: Corpus) -> list[str]:
    problems = []
    for passage in corpus.passages:
        words = "".join(corpus.text(sentence) for sentence in passage.sentences)
        if BLANK.sub("", words) != BLANK.sub("", corpus.text(passage.span)):
            problems.append(f"{passage.span}: its sentences are not its words")
        if list(passage.sentences) != sorted(passage.sentences, key=lambda span: span.start):
            problems.append(f"{passage.span}: its sentences are not in order")
    return problems


def check_index(corpus: Path, index: Path) -> list[str]:
    """Return what is wrong with an index: stale, damaged or missing."""
    try:
        load_index(corpus, index)
    except (StaleIndexError, IndexFormatError) as error:
        return [str(error)]
    return []
