"""The answer as Block Kit: within 50 blocks, 3,000 characters a section, 2,000 a value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from api.slack.mrkdwn import cut, entities, escaped, from_markdown, link
from kb.answer import Answer, Guidance, Missing, Thread

Block = dict[str, Any]
FIRST_STEPS = 4
_SECTION = 2_900
_VALUE = 1_900
_THREADS = 4
_OPTIONS = 5


def answer_blocks(
    answer: Answer, given: Mapping[str, str], *, every_step: bool = False, shared: bool = False
) -> list[Block]:
    """The card, its first steps (or all), its links, threads, buttons for what is missing and for feedback."""
    if answer.outcome == "no_match":
        return [_section(NOTHING)]
    card, *others = answer.guidance
    blocks = [_header(card, answer), _section(from_markdown(card.summary))]
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
    blocks.append(_footer(card, answer))
    if not shared:
        state = {"q": answer.query[:1_200], "g": dict(given)}
        for missing in answer.missing:
            blocks += _refine(missing, state)
        blocks += _buttons(state, card, every_step=every_step)
    return blocks[:50]


NOTHING = (
    "*Nothing here.* This does not look like a question on Apple's Network Extension, or nothing known answers it. "
    "Add the API, the error domain and code, or the log lines around the failure, and ask again."
)


def fallback(answer: Answer) -> str:
    """What a notification shows, and clients that show no blocks."""
    return entities(answer.guidance[0].title) if answer.guidance else "Nothing here."


def error_blocks(sentence: str, remedy: str) -> list[Block]:
    """A failure said in a sentence with its remedy."""
    return [_section(f":warning: {escaped(sentence)} {escaped(remedy)}")]


def unpack(value: str) -> tuple[str, dict[str, str]]:
    """The question and the given facts that a button carries; empty where the value is none of ours."""
    try:
        state = json.loads(value)
        return str(state["q"]), {str(k): str(v) for k, v in state.get("g", {}).items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", {}


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": cut(text, _SECTION)}}


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
    return f"• {link(thread.title, thread.url)}" + (f" ({', '.join(marks)})" if marks else "")


def _footer(card: Guidance, answer: Answer) -> Block:
    route = answer.route.replace("_", " ")
    text = (
        f"`{card.id}` · confidence {answer.confidence:.2f} · {route} · reviewed {card.reviewed}, "
        f"look again after {entities(' or '.join(card.recheck_after))}"
    )
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": cut(text, _SECTION)}]}


def _refine(missing: Missing, state: Mapping[str, Any]) -> list[Block]:
    question = _section(f":grey_question: {entities(missing.question)}")
    if not missing.options:
        return [question]
    buttons = [
        _button(option, f"nekb_refine_{at}", {**state, "g": {**state["g"], missing.signal: option}})
        for at, option in enumerate(missing.options[:_OPTIONS])
    ]
    return [question, {"type": "actions", "block_id": f"missing_{missing.signal}", "elements": buttons}]


def _buttons(state: Mapping[str, Any], card: Guidance, *, every_step: bool) -> list[Block]:
    actions = [_button("Share in channel", "nekb_share", state)]
    if not every_step and len(card.steps) > FIRST_STEPS:
        actions.insert(0, _button(f"Show all {len(card.steps)} steps", "nekb_show_all", state))
    votes = {
        "type": "feedback_buttons",
        "action_id": "nekb_feedback",
        "positive_button": _vote("Helped", state, card, helpful=True),
        "negative_button": _vote("Did not help", state, card, helpful=False),
    }
    return [{"type": "actions", "elements": actions}, {"type": "context_actions", "elements": [votes]}]


def _button(text: str, action: str, state: Mapping[str, Any]) -> Block:
    label = {"type": "plain_text", "text": text if len(text) <= 75 else text[:74] + "…"}
    return {"type": "button", "action_id": action, "text": label, "value": _packed(state)}


def _vote(text: str, state: Mapping[str, Any], card: Guidance, *, helpful: bool) -> Block:
    return {"text": {"type": "plain_text", "text": text}, "value": _packed({**state, "c": card.id, "v": helpful})}


def _packed(state: Mapping[str, Any]) -> str:
    """The state as a button's value; the question is cut until it fits."""
    kept = dict(state)
    while len(packed := json.dumps(kept, ensure_ascii=False)) > _VALUE:
        kept["q"] = kept["q"][: len(kept["q"]) - (len(packed) - _VALUE) - 1]
    return packed
