"""The pages: asking, each card, each thread, the list of cards, a vote, signing in with a key."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import RedirectResponse
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool

from api.http import metrics
from api.http.dependencies import Held, MayAsk, MayGiveFeedback, Services, held_by, snapshot
from api.http.files import ServedFile
from api.http.problems import document, shown_as
from api.http.routes.guidance import whole as whole_card
from api.http.routes.threads import whole as whole_thread
from api.records.feedback import keep_feedback
from api.records.keys import find_key
from api.records.questions import remember
from api.web import cookie
from api.web.marking import marked
from api.web.rendering import STATIC, page, static_address
from api.web.writing import answer_markdown, card_markdown, drafts
from kb.answer import Answer
from kb.asking import ask, readable
from kb.documents import LONGEST_ID
from kb.errors import BadInputError, NotFoundError
from kb.guidance.card import Distribution, Platform, Supervision
from kb.matching.question import GIVEN_KINDS, LONGEST_GIVEN
from kb.snapshot import Snapshot

router = APIRouter(include_in_schema=False)
SHAREABLE = 1_500  # characters of a question that fit into an address
CHOICES = {
    "platform": get_args(Platform),
    "distribution": get_args(Distribution),
    "supervision": get_args(Supervision),
}
EXAMPLES = (
    "code 8 hotspot",
    "content filter works from Xcode but not from TestFlight",
    "Error Domain=NEVPNErrorDomain Code=5",
    "tunnel provider killed, per-process-limit",
)
_FILES = {"nekb.css": "text/css", "nekb.js": "text/javascript", "icon.svg": "image/svg+xml"}
Fields = Mapping[str, list[str]]


@router.get("/", dependencies=[MayAsk])
async def get_ask(request: Request, held: Held) -> Response:
    """The search box; with `?query=` the answer, for a link one can share."""
    return await _asked(request, held, _gathered(request.query_params.multi_items()))


@router.post("/", dependencies=[MayAsk])
async def post_ask(request: Request, held: Held) -> Response:
    """The same for what a form sends: a long paste is answered here, a short question gets an address to share."""
    return await _asked(request, held, await _form(request))


async def _asked(request: Request, held: Services, fields: Fields) -> Response:
    """The page, made where every question is answered: in threads of its own, so that no other route waits for one."""
    return await asyncio.get_running_loop().run_in_executor(held.askers, _ask_page, request, held, fields)


async def _form(request: Request) -> Fields:
    """The fields of a form; a file is no field of ours. Raises `BadInputError` for any encoding but UTF-8.

    Others are read by codecs that fail in ways of their own, and some make what no page can show.
    """
    _, parameters = parse_options_header(request.headers.get("content-type"))
    if parameters.get(b"charset", b"utf-8").lower() not in (b"utf-8", b"utf8"):
        raise BadInputError("The form is not in UTF-8.", "Send it in UTF-8.", code="charset")
    limit = held_by(request).settings.max_body
    async with request.form(max_files=0, max_fields=40, max_part_size=limit) as form:
        return _gathered((name, value) for name, value in form.multi_items() if isinstance(value, str))


def _gathered(pairs: Iterable[tuple[str, str]]) -> Fields:
    """The values of each field, in one pass: an address holds ten thousand names, and may have no value of most."""
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def _last(fields: Fields, name: str) -> str:
    """The last value of a field that is not empty: a button's stands behind the form's own."""
    return next((v for v in reversed(fields.get(name, [])) if v.strip()), "")


def _given(fields: Fields) -> dict[str, str]:
    dropped = set(fields.get("drop", []))
    found = {key: _last(fields, key).strip()[:LONGEST_GIVEN] for key in GIVEN_KINDS if key not in dropped}
    return {key: value for key, value in found.items() if value}


def _ask_page(request: Request, held: Services, fields: Fields) -> Response:
    found = held.current.get()
    text, given = _last(fields, "query"), _given(fields)
    seen: dict[str, Any] = {"text": text, "given": given, "choices": CHOICES, "examples": EXAMPLES}
    if not text:
        return page("ask.html", **_common(request, found), **seen, answer=None, problem=None)
    try:
        text = readable(text)
        if request.method == "POST" and len(text) <= SHAREABLE:
            return RedirectResponse("/?" + urlencode({"query": text, **given}), 303)
        answer = ask(text, found, given=given)
    except BadInputError as error:
        return page("ask.html", error.http_status, **_common(request, found), **seen, answer=None, problem=error)
    remember(held.engine, answer, "web")
    metrics.count(answer, "web")
    return page("ask.html", **_common(request, found), **seen, **_shown(answer, text, given, found), problem=None)


def _shown(answer: Answer, text: str, given: Mapping[str, str], found: Snapshot) -> dict[str, Any]:
    card = found.cards[answer.guidance[0].id] if answer.guidance else None
    return {
        "answer": answer,
        "card": card,
        "cards": found.cards,
        "left_out": len(card.steps) - len(answer.guidance[0].steps) if card else 0,
        "pieces": marked(text, answer.signals),
        "drafts": drafts(text, answer, card) if card else [],
        "markdown": answer_markdown(answer),
        "shareable": len(text) <= SHAREABLE,
        "unresolved": next((s.code for s in answer.signals if s.kind == "error" and s.domain is None), None),
        "elsewhere": _elsewhere(card.applies_to.platforms if card else [], given.get("platform")),
    }


def _elsewhere(platforms: list[Platform], chosen: str | None) -> list[Platform]:
    """The platforms a card is about, where the chosen one is not among them."""
    return platforms if chosen and platforms and chosen not in platforms else []


def _common(request: Request, found: Snapshot | None) -> dict[str, Any]:
    return {"here": request.url.path, "snapshot": found.info if found else None, "signed_in": cookie.came_with(request)}


FoundSnapshot = Annotated[Snapshot, Depends(snapshot)]


@router.get("/guidance", dependencies=[MayAsk])
def get_cards(request: Request, found: FoundSnapshot) -> Response:
    """Every card, by topic."""
    cards = sorted(found.cards.values(), key=lambda c: (c.topic, c.title))
    return page("cards.html", **_common(request, found), cards=cards)


@router.get("/guidance/{id}", dependencies=[MayAsk])
def get_card(request: Request, found: FoundSnapshot, id: Annotated[str, Path(max_length=64)]) -> Response:
    """One card, with an address to share."""
    card = found.cards.get(id)
    if card is None:
        raise NotFoundError(f"There is no card {id!r}.", "The list of guidance shows them all.")
    neighbours = [found.cards[n] for n in card.see_also if n in found.cards]
    return page(
        "card.html",
        **_common(request, found),
        card=whole_card(card, found),
        neighbours=neighbours,
        cards=found.cards,
        markdown=card_markdown(card, found.resources),
    )


@router.get("/threads/{id}", dependencies=[MayAsk])
def get_thread(request: Request, found: FoundSnapshot, id: Annotated[str, Path(max_length=LONGEST_ID)]) -> Response:
    """One thread with its posts."""
    document = found.document(id)
    if document is None:
        raise NotFoundError(f"There is no thread {id!r}.", "Ask a question to find threads.")
    return page("thread.html", **_common(request, found), thread=whole_thread(document, found))


@router.post("/feedback", dependencies=[MayGiveFeedback])
async def post_feedback(request: Request, held: Held) -> Response:
    """Keep a vote given on the page."""
    fields = await _form(request)
    return await asyncio.get_running_loop().run_in_executor(held.voters, _keep_vote, request, held, fields)


def _keep_vote(request: Request, held: Any, fields: Fields) -> Response:
    found = held.current.get()
    query, card, helpful = _last(fields, "query"), _last(fields, "card"), _last(fields, "helpful")
    if not query or helpful not in ("true", "false") or (card and card not in found.cards):
        raise BadInputError("The vote names no answer.", "Go back to the answer and vote there.", code="vote")
    keep_feedback(
        held.engine,
        query=query,
        helpful=helpful == "true",
        card=card or None,
        reason=_last(fields, "reason") or None,
        surface="web",
        snapshot=found.manifest.id,
    )
    return page("thanks.html", **_common(request, found))


@router.post("/sign-in")
async def sign_in(request: Request, held: Held) -> Response:
    """Keep a key in a cookie, and go on to the page that asked for it."""
    fields = await _form(request)
    key, back_to = _last(fields, "key").strip(), cookie.own_address(_last(fields, "next"))
    if await run_in_threadpool(find_key, held.engine, key) is None:
        problem = document(401, "bad_key", "The API key is unknown or revoked.", "Ask whoever runs this server.")
        return shown_as(problem, request.url.path, request.headers.get("accept", ""), back_to=back_to)
    answer = RedirectResponse(back_to, 303)
    cookie.keep_key(answer, key, secure=request.url.scheme == "https")
    return answer


@router.post("/sign-out")
def sign_out() -> Response:
    """Forget the key."""
    answer = RedirectResponse("/", 303)
    cookie.forget_key(answer)
    return answer


@router.get("/static/{name}")
def get_static(request: Request, name: str) -> Response:
    """The page's own files, by a closed list of names; to be kept for a year under the address of what they hold.

    The page of a newer replica names a file that an older one has otherwise: that is for this once.
    """
    if name not in _FILES:
        raise NotFoundError(f"There is no file {name!r}.", "Go to the start page.")
    known = static_address(name) == f"{request.url.path}?{request.url.query}"
    keep = {"Cache-Control": "public, max-age=31536000, immutable" if known else "no-cache"}
    return ServedFile(STATIC / name, media_type=_FILES[name], headers=keep)


@router.get("/favicon.ico")
def favicon(request: Request) -> Response:
    """The icon, where a browser looks for it unasked."""
    return get_static(request, "icon.svg")
