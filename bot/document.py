"""Gradio's HTML document → ours: our language, title and files, a first paint before any script, and its policy."""

import base64
import hashlib
import re

_FOREIGN_META = re.compile(r'\s*<meta\s+(?:property="og:|name="twitter:)[^>]*>')
# Gradio's help for pages that embed it by a script of theirs; it loads a file and talks to the embedding page.
_RESIZER = re.compile(r"<script>(?:(?!</script>).)*iframeResizer\.contentWindow(?:(?!</script>).)*</script>", re.S)
_INLINE_SCRIPT = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.S)
_MOUNT = "<gradio-app"


def dress(document: str, *, language: str, head: str, first_paint: str) -> str:
    """Return Gradio's document in our language, with our files in its head and a first paint in its body."""
    document = _RESIZER.sub("", _FOREIGN_META.sub("", document))
    document = document.replace('lang="en"', f'lang="{language}"', 1)
    document = document.replace("<head>", f"<head>{head}", 1)
    return document.replace(_MOUNT, f"{first_paint}{_MOUNT}", 1)


def content_policy(document: str, *, frame_ancestors: str, evaluates: bool) -> str:
    """Return a content security policy that lets a document run its own inline scripts, by hash, and our files.

    evaluates: whether its scripts make code from text, as Gradio's HTML component does with its templates.
    """
    hashes = [
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        for script in _INLINE_SCRIPT.findall(document)
    ]
    scripts = ["'self'", *(f"'sha256-{digest}'" for digest in hashes), *(["'unsafe-eval'"] if evaluates else [])]
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(scripts)}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "manifest-src 'self'",
            "base-uri 'self'",
            "form-action 'none'",
            f"frame-ancestors {frame_ancestors}",
        ]
    )
