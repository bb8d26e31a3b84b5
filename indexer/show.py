"""What `python -m indexer show` tells: articles, blocks, passages, counts, and how well the index decides."""

from typing import Any

from indexer.corpus import Corpus


def describe(corpus: Corpus, manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the whole description as plain values."""
    return {
        "counts": manifest["counts"],
        "model": manifest["model"],
        "articles": [
            {
                "id": article.id,
                "label": article.label,
                "label_is_ours": article.label_is_ours,
                "sha256": article.sha256,
                "blocks": [
                    {
                        "kind": b.kind.value,
                        "start": b.start,
                        "end": b.end,
                        "text": article.text[b.start : b.end],
                    }
                    for b in article.blocks
                ],
                "passages": [
                    {
                        "start": passage.span.start,
                        "end": passage.span.end,
                        "heading": corpus.text(passage.heading) if passage.heading else None,
                        "sentences": [{"start": s.start, "end": s.end} for s in passage.sentences],
                    }
                    for passage in corpus.passages
                    if passage.span.article == article.id
                ],
                "taught_questions": len(corpus.questions[article.id]),
            }
            for article in corpus.articles.values()
        ],
        "decisions": [
            {
                "articles": shelf["articles"],
                "answer_threshold": shelf["decider"]["answer_threshold"],
                "out_of_fold": shelf["out_of_fold"],
            }
            for shelf in manifest["shelves"]
        ],
    }


def as_text(description: dict[str, Any]) -> str:
    """Return the description for people."""
    lines = [f"Model {description['model']['name']} (sha-256 {description['model']['sha256'][:12]}…)"]
    for article in description["articles"]:
        ours = " (our label)" if article["label_is_ours"] else ""
        lines += ["", f"{article['id']}: {article['label']}{ours}, sha-256 {article['sha256'][:12]}…"]
        lines += [f"  {b['start']:6}–{b['end']:<6} {b['kind']:15} {_short(b['text'])}" for b in article["blocks"]]
        sentences = sum(len(passage["sentences"]) for passage in article["passages"])
        lines.append(
            f"  {len(article['passages'])} passages, {sentences} sentences, "
            f"{article['taught_questions']:,} taught questions"
        )
    for decision in description["decisions"]:
        lines += ["", f"Decisions for {', '.join(decision['articles'])}:"]
        lines.append(f"  declines below a confidence of {decision['answer_threshold']:.2f}")
        for what, figures in decision["out_of_fold"].items():
            lines.append(f"  out of fold, {what}:")
            lines += [f"    {figure}: {value:.3f}" for figure, value in figures.items()]
        if not decision["out_of_fold"]:
            lines.append("  too few taught questions to learn from: general weights decide")
    return "\n".join(lines)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 70 else text[:69] + "…"
