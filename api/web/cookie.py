"""The key of somebody who signed in on the page: the cookie that holds it, and the way back to where they were."""

from __future__ import annotations

import re
from urllib.parse import quote

from fastapi import Request, Response

NAME = "nekb_key"
_DAYS = 30
# Within this site alone: browsers read a second slash, a backslash or a tab behind the first as another host.
_OWN_ADDRESS = re.compile(r"/(?![/\\])[!-\[\]-~]*")


def came_with(request: Request) -> bool:
    """Whether a request brought the cookie, whatever the key in it is good for."""
    return NAME in request.cookies


def keep_key(answer: Response, key: str, *, secure: bool) -> None:
    """Keep a key where no script can read it. A link on another site brings it along, a form there does not."""
    answer.set_cookie(NAME, key, httponly=True, samesite="lax", secure=secure, max_age=_DAYS * 86_400)


def forget_key(answer: Response) -> None:
    """Have the browser drop the key."""
    answer.delete_cookie(NAME, httponly=True, samesite="lax")


def address_of(request: Request) -> str:
    """Where to come back to after signing in: the page that was asked for, or the start where a form was sent."""
    if request.method != "GET":
        return "/"
    return quote(request.url.path) + (f"?{request.url.query}" if request.url.query else "")


def own_address(given: str) -> str:
    """An address to go on to that a form sent, where it is one of this site; the start page otherwise."""
    return given if _OWN_ADDRESS.fullmatch(given) else "/"
