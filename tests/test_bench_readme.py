"""The bench's page tells what its commands tell, and they answer at once."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from eval.__main__ import app

ROOT = Path(__file__).parent.parent
README = ROOT / "eval" / "README.md"


def every_command() -> list[str]:
    """Return the words that call each command, groups followed into theirs."""
    found = []
    for name, command in get_command(app).commands.items():
        inner = getattr(command, "commands", None)
        found += [f"{name} {each}" for each in inner] if inner else [name]
    return found


def test_the_page_tells_what_the_commands_tell() -> None:
    told = CliRunner().invoke(app, ["help-pages", "--readme", str(README), "--check"])
    assert told.exit_code == 0, "run: python -m eval help-pages"


def test_a_drifted_page_is_found_and_mended(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(README.read_text(encoding="utf-8").replace("Add questions", "Sing songs"), encoding="utf-8")
    assert CliRunner().invoke(app, ["help-pages", "--readme", str(page), "--check"]).exit_code == 1
    assert CliRunner().invoke(app, ["help-pages", "--readme", str(page)]).exit_code == 0
    assert page.read_text(encoding="utf-8") == README.read_text(encoding="utf-8")


@pytest.mark.parametrize("command", every_command())
def test_every_command_has_help_and_json(command: str) -> None:
    told = CliRunner().invoke(app, [*command.split(), "--help"])
    assert told.exit_code == 0
    assert "--json" in told.stdout
    assert f"`python -m eval {command}`" in README.read_text(encoding="utf-8")


def test_help_loads_nothing_heavy() -> None:
    heavy = ("torch", "sklearn", "scipy", "faiss", "matplotlib", "gradio", "numpy", "jinja2", "openpyxl", "ir_measures")
    code = f"import sys, eval.__main__; print([name for name in {heavy} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
