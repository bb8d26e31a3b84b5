"""The server's settings: flags first, then environment variables (ASK_ARTICLE_PORT=…), then these defaults."""

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from indexer.errors import UsageError


class Settings(BaseSettings):
    """All that an operator can set."""

    model_config = SettingsConfigDict(env_prefix="ASK_ARTICLE_", frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(7860, ge=0, le=65535)
    corpus: Path = Path("corpus")
    index: Path = Path(".index")
    root_path: str = Field("", pattern=r"^(/[\w.~-]+)*$")
    frame_ancestors: str = Field("'none'", pattern=r"^[^;,\r\n]*$")
    trusted_proxies: str = "127.0.0.1"
    per_minute: int = Field(60, ge=0)
    longest_queue: int = Field(200, ge=1)
    feedback: Path | None = None


def read_settings(**given: Any) -> Settings:
    """Read the settings; what is given here wins over the environment. Raises UsageError naming what is wrong."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"--{name.replace('_', '-')} (or ASK_ARTICLE_{name.upper()}): {first['msg']}, got {first['input']!r}."
        ) from None
