"""A run against thresholds."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from eval.gate import Check, check, junit_xml, load_thresholds
from eval.records import Run, read_run
from indexer.errors import UsageError

ROOT = Path(__file__).parent.parent
pytest_plugins = ("bench_fixtures",)


def checks_of(made: Run, tmp_path: Path, thresholds: str) -> tuple[Check, ...]:
    path = tmp_path / "thresholds.toml"
    path.write_text(thresholds, encoding="utf-8")
    return check(made, load_thresholds(path))


def test_the_gate_holds_figures_against_thresholds(knee_run: Path, tmp_path: Path) -> None:
    checks = checks_of(
        read_run(knee_run),
        tmp_path,
        """
        [[threshold]]
        slice = "all"
        measure = "verbatim"
        at_least = 1
        [[threshold]]
        slice = "all"
        measure = "ndcg@10"
        at_most = 0.1
        [[threshold]]
        slice = "tag=near"
        measure = "declined"
        at_least = 0.1
        """,
    )
    assert [each.passed for each in checks] == [True, False, False]
    suite = ET.fromstring(junit_xml(checks, "knee"))[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    told = [case[0].get("message") if len(case) else None for case in suite]
    assert told[0] is None
    assert told[1] is not None
    assert told[1].startswith("it is ")
    assert told[2] == "n = 0: no question to measure 'declined' on"


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        ("threshold = 3", "no threshold is in it"),
        ("[[threshold]\n", "not valid TOML"),
        ('[[threshold]]\nslice = "everything"\nmeasure = "rr"\nat_least = 1', "threshold 1: 'everything' is no slice"),
        ('[[threshold]]\nslice = "all"\nmeasure = "joy"\nat_least = 1', "'joy' is no measure"),
        ('[[threshold]]\nslice = "all"\nmeasure = "rr"', "give one number"),
        ('[[threshold]]\nslice = "all"\nmeasure = "rr"\nat_least = true', "give one number"),
        ('[[threshold]]\nslice = "all"\nmeasure = "rr"\nat_least = 0.1\nat_most = 0.2', "give one number"),
        ('[[threshold]]\nslice = "all"\nmeasure = "rr"\nminimum = 0.1', "and nothing else"),
    ],
)
def test_a_wrong_threshold_is_told(tmp_path: Path, thresholds: str, message: str) -> None:
    path = tmp_path / "t.toml"
    path.write_text(thresholds, encoding="utf-8")
    with pytest.raises(UsageError, match=message) as error:
        load_thresholds(path)
    assert str(path) in str(error.value)


def test_the_bot_passes_the_projects_gate(real_run: Run) -> None:
    failed = [str(each.threshold) for each in check(real_run, load_thresholds(ROOT / "eval" / "thresholds.toml"))
              if not each.passed]  # fmt: skip
    assert not failed
