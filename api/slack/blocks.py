"""The answer as Block Kit: within 50 blocks, 3,000 characters a section, 2,000 a value."""

from __future__ import annotations

from collections.abc import Mapping

from api.slack.mrkdwn import entities, escaped, from_markdown, link
from api.slack.sections import Block, context, section, sections
from api.slack.state import pack
from api.text import one_line
from kb.answer import Answer, Guidance, Missing, Thread
from kb.guidance.condition import only

FIRST_STEPS = 4
PUBLIC, QUOTED = "p", "a"  # what a button carries of the answer above it: everybody sees it; its question is shown
_THREADS = 4
_OPTIONS = 10
_ASKED = 200


def answer_blocks(
    answer: Answer, given: Mapping[str, str], *, asked: str | None = None,
    every_step: bool = False, public: bool = False, quoted: bool = False,
) -> list[Block]:  # fmt: skip
    """The card, its first steps (or all), its links, threads, buttons for what is missing and for feedback.

    `asked` is the whole question, which the buttons go on with. `public` says that everybody sees the answer, so that
    there is nothing to share; `quoted` that the question stands above it.
    """
    question = answer.query if asked is None else asked
    head = [context(f"Asked: “{escaped(one_line(question)[:_ASKED])}”")] if quoted else []
    buttons = Buttons(question, given, public=public, quoted=quoted)
    refining = [block for missing in answer.missing for block in buttons.refine(missing, answer)]
    if answer.outcome == "no_match":
        return [*head, section(NOTHING), *refining]
    card, *others = answer.guidance
    blocks = [*head, _header(card, answer), section(from_markdown(card.summary))]
    blocks += _steps(card, every_step=every_step)
    if every_step and card.ask_for:
        blocks.append(section("*Have ready*\n" + "\n".join(f"• {from_markdown(a)}" for a in card.ask_for)))
    if card.links:
        blocks.append(section("*Links* " + " · ".join(link(item.title, item.url) for item in card.links[:6])))
    likely = [g for g in others if g.score >= 0.05]
    if likely:
        blocks.append(section("*Or* " + "; ".join(link(g.title, g.url) for g in likely)))
    if answer.threads:
        blocks.append(section("*Threads like it*\n" + "\n".join(_thread(t) for t in answer.threads[:_THREADS])))
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
    """A failure said in a sentence, which may quote what was asked, with its remedy and its code, which are ours."""
    return [section(f":warning: {escaped(sentence)} {entities(remedy)} [{entities(code)}]")]


def _header(card: Guidance, answer: Answer) -> Block:
    doubt = "_Not sure. The nearest guidance:_\n" if answer.outcome == "uncertain" else ""
    return section(f"{doubt}*{link(card.title, card.url)}*")


def _steps(card: Guidance, *, every_step: bool) -> list[Block]:
    shown = card.steps if every_step else card.steps[:FIRST_STEPS]
    lines = []
    for number, step in enumerate(shown, 1):
        cites = " ".join(link(f"[{n}]", item.url) for n, item in enumerate(step.links, 1))
        lines.append(f"*{number}.* {from_markdown(step.text)}{entities(only(step.when))} {cites}")
    return sections(lines)


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
    return context(text)


class Buttons:
    """The buttons below an answer. Each carries the question, so that what it does rests on nothing kept here."""

    def __init__(self, asked: str, given: Mapping[str, str], *, public: bool, quoted: bool) -> None:
        self._asked, self._given, self._public = asked, given, public
        self._more = {flag: 1 for flag, on in ((PUBLIC, public), (QUOTED, quoted)) if on}

    def refine(self, missing: Missing, answer: Answer) -> list[Block]:
        """The question for a fact, and a button for each of its values."""
        question = section(f":grey_question: {entities(missing.question)}")
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
        if not self._public:
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
