"""The commands that run, compare and hold to thresholds."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.__main__ import app
from eval.records import read_run
from indexer.cli import run

ROOT = Path(__file__).parent.parent
pytest_plugins = ("bench_fixtures",)

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command of the bench: its exit code, and what it writes to stdout and stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["eval", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            run(app)
        written = capsys.readouterr()
        return int(ended.value.code or 0), written.out, written.err

    return call


def test_a_run_and_its_comparison_can_be_read_by_programs(
    command: Command, small_corpus: Path, small_index: Path, knee_file: Path, knee_run: Path, tmp_path: Path
) -> None:
    where = ("--corpus", small_corpus, "--index", small_index)
    code, output, errors = command("run", "--questions", knee_file, *where, "--output", tmp_path / "run", "--json")
    assert (code, errors) == (0, "")
    verbatim = [each for each in json.loads(output)["figures"] if each["measure"] == "verbatim"]
    assert (verbatim[0]["slice"], verbatim[0]["value"], verbatim[0]["n"]) == ("all", 1.0, 6)
    code, output, _ = command("compare", knee_run, tmp_path / "run", "--json")
    assert code == 0
    assert {each["verdict"] for each in json.loads(output)["differences"]} == {"tie", None}


def test_a_part_of_the_questions_can_be_run(
    command: Command, small_corpus: Path, small_index: Path, knee_file: Path, tmp_path: Path
) -> None:
    where = ("--corpus", small_corpus, "--index", small_index, "--questions", knee_file)
    code, _, _ = command("run", *where, "--only", "split=dev", "--output", tmp_path / "dev")
    assert code == 0
    assert [answer.id for answer in read_run(tmp_path / "dev").answers] == ["4"]


def test_the_gate_ends_with_its_exit_code(
    command: Command, small_corpus: Path, small_index: Path, knee_file: Path, knee_run: Path, tmp_path: Path
) -> None:
    strict, mild = tmp_path / "strict.toml", tmp_path / "mild.toml"
    threshold = '[[threshold]]\nslice = "all"\nmeasure = "ndcg@10"\nat_least = '
    strict.write_text(threshold + "1.1\n", encoding="utf-8")
    mild.write_text(threshold + "0.1\n", encoding="utf-8")
    code, output, _ = command("gate", knee_run, "--thresholds", strict, "--junit", tmp_path / "gate.xml")
    assert code == 1
    assert "not reached" in output
    assert ET.parse(tmp_path / "gate.xml").getroot().tag == "testsuites"
    where = ("--corpus", small_corpus, "--index", small_index, "--questions", knee_file)
    code, output, _ = command("gate", "--thresholds", mild, *where, "--json")
    assert (code, json.loads(output)["passed"]) == (0, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("gate", "nowhere"),
        ("compare", "nowhere", "nowhere"),
        ("run", "--output", "x", "--system", "bm25"),
        ("run", "--output", "x", "--beir", "nowhere"),
        ("run", "--output", "x", "--beir", "nowhere", "--only", "split=dev"),
        ("results", "--data", "nowhere", "--runs", "nothing"),
    ],
)
def test_wrong_use_is_one_line_on_stderr(
    command: Command, arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    thresholds = ROOT / "eval" / "thresholds.toml"
    monkeypatch.chdir(tmp_path)
    code, output, errors = command(*arguments, *(("--thresholds", thresholds) if arguments[0] == "gate" else ()))
    assert (code, output) == (2, "")
    assert errors.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in errors


def test_tables_are_the_default(command: Command, knee_run: Path) -> None:
    code, output, _ = command("compare", knee_run, knee_run, "--slice", "turn=later")
    assert code == 0
    assert "would have shown" in output
    assert "tie" in output
    assert "n = 0" in output, "the measures of kinds that are not there"


def test_help_needs_no_heavy_library() -> None:
    code = "import sys; from eval.__main__ import app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    heavy = {"torch", "faiss", "sklearn", "scipy", "numpy", "matplotlib", "gradio", "ir_measures", "pandas"}
    assert not heavy & set(loaded.split())
