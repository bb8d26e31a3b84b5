"""What /metrics tells an operator: counts and times, never a word of a question or an answer."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class Metrics:
    """The measurements of one server, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.answers = Counter("article_answers", "Answers given, by outcome.", ["outcome"], registry=self.registry)
        self.refusals = Counter(
            "article_refusals", "Questions not looked up, by reason.", ["reason"], registry=self.registry
        )
        self.seconds = Histogram(
            "article_answer_seconds",
            "From a question's arrival to its answer, waiting included.",
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.waiting = Gauge("article_waiting", "Questions that wait or are looked up now.", registry=self.registry)
        self.reloads = Counter(
            "article_index_reloads", "New indexes picked up, by result.", ["result"], registry=self.registry
        )

    def text(self) -> bytes:
        """Return all measurements in Prometheus' text form."""
        return generate_latest(self.registry)
