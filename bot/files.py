"""Files that are there whole or not at all."""

import os
import tempfile
from pathlib import Path

from indexer.errors import UsageError


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file in one step; text as UTF-8. Raises UsageError when it cannot be written."""
    data = content.encode("utf-8", errors="surrogatepass") if isinstance(content, str) else content
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror or error}).") from None
