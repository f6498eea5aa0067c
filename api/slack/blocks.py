"""The answer as Block Kit: within 50 blocks, 3,000 characters a section, 2,000 a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.slack.mrkdwn import cut, entities, escaped, from_markdown, link
from api.slack.state import pack
from api.text import one_line
from kb.answer import Answer, Guidance, Missing, Thread

Block = dict[str, Any]
FIRST_STEPS = 4
_SECTION = 2_900
_THREADS = 4
_OPTIONS = 10
_QUOTED = 200


def answer_blocks(
    answer: Answer, given: Mapping[str, str], *, asked: str | None = None,
    every_step: bool = False, public: bool = False, quoted: bool = False,
) -> list[Block]:  # fmt: skip
    """The card, its first steps (or all), its links, threads, buttons for what is missing and for feedback.

    `asked` is the whole question, which the buttons go on with. `public` says that everybody sees the answer, so that
    there is nothing to share; `quoted` that the question stands above it.
    """
    question = answer.query if asked is None else asked
    head = [_context(f"Asked: “{escaped(one_line(question)[:_QUOTED])}”")] if quoted else []
    buttons = Buttons(question, given, public)
    refining = [block for missing in answer.missing for block in buttons.refine(missing, answer)]
    if answer.outcome == "no_match":
        return [*head, _section(NOTHING), *refining]
    card, *others = answer.guidance
    blocks = [*head, _header(card, answer), _section(from_markdown(card.summary))]
    blocks += _steps(card, every_step=every_step)
    if every_step and card.ask_for:
        blocks.append(_section("*Have ready*\n" + "\n".join(f"• {from_markdown(a)}" for a in card.ask_for)))
    if card.links:
        blocks.append(_section("*Links* " + " · ".join(link(item.title, item.url) for item in card.links[:6])))
    likely = [g for g in others if g.score >= 0.05]
    if likely:
        blocks.append(_section("*Or* " + "; ".join(link(g.title, g.url) for g in likely)))
    if answer.threads:
        blocks.append(_section("*Threads like it*\n" + "\n".join(_thread(t) for t in answer.threads[:_THREADS])))
    blocks.append(_footer(card, answer, given))
    blocks += refining
    blocks += buttons.rest(card, every_step=every_step)
    return blocks[:50]


NOTHING = (
    "*Nothing here.* This does not look like a question on Apple's Network Extension, or nothing known answers it. "
    "Add the API, the error domain and code, or the log lines around the failure, and ask again."
)


def fallback(answer: Answer) -> str:
    """What a notification shows, and clients that show no blocks."""
    return entities(answer.guidance[0].title) if answer.guidance else "Nothing here."


def error_blocks(sentence: str, remedy: str, code: str) -> list[Block]:
    """A failure said in a sentence with its remedy and its code."""
    return [_section(f":warning: {escaped(sentence)} {escaped(remedy)} [{escaped(code)}]")]


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": cut(text, _SECTION), "verbatim": True}}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": cut(text, _SECTION), "verbatim": True}]}


def _header(card: Guidance, answer: Answer) -> Block:
    doubt = "_Not sure. The nearest guidance:_\n" if answer.outcome == "uncertain" else ""
    return _section(f"{doubt}*{link(card.title, card.url)}*")


def _steps(card: Guidance, *, every_step: bool) -> list[Block]:
    shown = card.steps if every_step else card.steps[:FIRST_STEPS]
    lines = []
    for number, step in enumerate(shown, 1):
        cites = " ".join(link(f"[{n}]", item.url) for n, item in enumerate(step.links, 1))
        lines.append(f"*{number}.* {from_markdown(step.text)} {cites}")
    blocks, text = [], ""
    for line in lines:
        if text and len(text) + len(line) + 1 > _SECTION:
            blocks.append(_section(text))
            text = ""
        text = f"{text}\n{line}" if text else line
    return [*blocks, _section(text)] if text else blocks


def _thread(thread: Thread) -> str:
    marks = [word for word, on in (("Apple replied", thread.apple_replied), ("accepted", thread.accepted)) if on]
    marks += [escaped(thread.activity)] if thread.activity else []
    return f"• {link(thread.title, thread.url, outside=True)}" + (f" ({', '.join(marks)})" if marks else "")


def _footer(card: Guidance, answer: Answer, given: Mapping[str, str]) -> Block:
    route = answer.route.replace("_", " ")
    known = f" · taking it for {escaped(', '.join(given.values()))}" if given else ""
    text = (
        f"`{card.id}` · confidence {answer.confidence:.2f} · {route} · reviewed {card.reviewed}, "
        f"look again after {entities(' or '.join(card.recheck_after))}{known}"
    )
    return _context(text)


class Buttons:
    """The buttons below an answer. Each carries the question, so that what it does rests on nothing kept here."""

    def __init__(self, asked: str, given: Mapping[str, str], public: bool) -> None:
        self._asked, self._given = asked, given
        self._more = {"p": 1} if public else {}

    def refine(self, missing: Missing, answer: Answer) -> list[Block]:
        """The question for a fact, and a button for each of its values."""
        question = _section(f":grey_question: {entities(missing.question)}")
        if not missing.options:
            return [question]
        buttons = [
            self._button(option, f"nekb_refine_{at}", {**self._given, missing.signal: _fact(missing, option, answer)})
            for at, option in enumerate(missing.options[:_OPTIONS])
        ]
        return [question, {"type": "actions", "block_id": f"missing_{missing.signal}", "elements": buttons}]

    def rest(self, card: Guidance, *, every_step: bool) -> list[Block]:
        """Show all, share, and the votes."""
        actions = []
        if not every_step and len(card.steps) > FIRST_STEPS:
            actions.append(self._button(f"Show all {len(card.steps)} steps", "nekb_show_all", self._given))
        if not self._more:
            actions.append(self._button("Share in channel", "nekb_share", self._given))
        votes = {
            "type": "feedback_buttons",
            "action_id": "nekb_feedback",
            "positive_button": self._vote("Helped", card, helpful=True),
            "negative_button": self._vote("Did not help", card, helpful=False),
        }
        first: list[Block] = [{"type": "actions", "elements": actions}] if actions else []
        return [*first, {"type": "context_actions", "elements": [votes]}]

    def _button(self, text: str, action: str, given: Mapping[str, str]) -> Block:
        label = {"type": "plain_text", "text": text if len(text) <= 75 else text[:74] + "…"}
        return {"type": "button", "action_id": action, "text": label, "value": pack(self._asked, given, **self._more)}

    def _vote(self, text: str, card: Guidance, *, helpful: bool) -> Block:
        value = pack(self._asked, self._given, **self._more, c=card.id, v=helpful)
        return {"text": {"type": "plain_text", "text": text}, "value": value}


def _fact(missing: Missing, option: str, answer: Answer) -> str:
    """The value of a fact; a domain stands with the code that it was asked for."""
    if missing.signal != "error":
        return option
    code = next((s.code for s in answer.signals if s.kind == "error" and s.domain is None and s.code is not None), None)
    return option if code is None else f"{option} {code}"
