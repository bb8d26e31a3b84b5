"""The page's HTML templates. Every value is escaped on its way into HTML; nothing here is trusted to be HTML."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

_FOLDER = Path(__file__).with_name("templates")


def render(name: str, **values: object) -> Markup:
    """Fill a template of bot/templates; a value it needs and does not get is an error."""
    # What comes out was escaped on the way in, so a template may hold another's result.
    return Markup(_environment().get_template(name).render(**values))  # noqa: S704


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
