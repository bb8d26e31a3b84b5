"""What tests of the indexer do by hand: teach, and run it from the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

LEG_PAIN = "leg-pain-after-surgery"


def teach(corpus: Path, *rows: object) -> None:
    path = corpus / LEG_PAIN / "questions.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" if not isinstance(r, str) else r + "\n" for r in rows))


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    # Without a hub to ask, a model that is not packaged is missing at once.
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
