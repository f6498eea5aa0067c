"""Templates: autoescaped, with the few filters they need, and the headers of every page."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from api import wording
from api.text import one_line, plain, safe_url
from api.web import markup
from kb.guidance.condition import condition, value

_FOLDER = Path(__file__).parent
STATIC = _FOLDER / "static"
# Nothing but our own files: no inline script or style, no other host, no frame, no plug-in, no base address.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def page(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page from a template."""
    return HTMLResponse(_environment().get_template(template).render(values), status, _HEADERS)


def wanted(path: str, accept: str) -> bool:
    """Whether whoever asks for a path reads pages rather than JSON."""
    machine = path.startswith(("/v1/", "/mcp", "/slack", "/openapi", "/metrics", "/healthz", "/readyz"))
    return not machine and "text/html" in accept


def _printable(shown: object) -> object:
    """No control characters or marks that reorder text, whatever a template shows."""
    return plain(shown) if isinstance(shown, str) and not isinstance(shown, Markup) else shown


def _likely(share: float) -> str:
    return "over 99 %" if share > 0.99 else f"{round(100 * share)} %"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "block": markup.block,
        "inline": markup.inline,
        "coded": markup.coded,
        "breakable": markup.breakable,
        "one_line": one_line,
        "safe_url": safe_url,
        "condition": condition,
        "value": value,
        "likely": _likely,
    }
    environment.globals |= {
        "routes": wording.ROUTES,
        "kinds": wording.SIGNALS,
        "topics": wording.TOPICS,
        "static": static_address,
        "user": None,
    }
    return environment


@lru_cache(maxsize=16)
def static_address(name: str) -> str:
    """The address of a static file; it changes with the content, so that browsers may keep it."""
    return f"/static/{name}?v={hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"
