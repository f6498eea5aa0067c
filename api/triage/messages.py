"""What `nekb watch` sends: a thread with its triage, or the digest of a day. The same object for every target."""

from __future__ import annotations

from typing import Any

from api.slack.mrkdwn import cut, entities, escaped, link
from api.slack.sections import Block, context, section, sections
from api.text import one_line
from kb.triage import Triage

_DRAFT = 2_400
_LISTED = 40
PERHAPS_AGAIN = "Perhaps a repeat: nekb was stopped while it sent this."


def thread_message(key: str, seen_at: str, triage: Triage) -> dict[str, Any]:
    """A new thread. `key` is the idempotency key."""
    return {"key": key, "kind": "thread", "seen_at": seen_at, "triage": triage.to_dict()}


def unread_message(key: str, seen_at: str, title: str, url: str | None, why: str) -> dict[str, Any]:
    """A new thread that could not be judged."""
    return {"key": key, "kind": "thread", "seen_at": seen_at, "title": title, "url": url, "problem": why}


def digest_message(key: str, content: dict[str, Any]) -> dict[str, Any]:
    """The digest of a day."""
    return {"key": key, "kind": "digest", **content}


def fallback(message: dict[str, Any]) -> str:
    """One line for notifications and for clients that show no blocks."""
    if message["kind"] == "digest":
        count = len(message["threads"])
        return f"nekb: {count} new thread{'' if count == 1 else 's'} since the last digest."
    title = message["triage"]["thread"]["title"] if "triage" in message else message["title"]
    return cut(f"New thread: {escaped(one_line(title))}", 300)


def blocks(message: dict[str, Any], *, perhaps_again: bool = False) -> list[Block]:
    """The message as Block Kit; what is the poster's is escaped."""
    if message["kind"] == "digest":
        made = _digest(message)
    elif "triage" in message:
        made = _thread(Triage.from_dict(message["triage"]))
    else:
        made = [section(f"*{_titled(message['title'], message['url'])}*\n{escaped(message['problem'])}")]
    return [*made, *([context(PERHAPS_AGAIN)] if perhaps_again else [])]


def _thread(t: Triage) -> list[Block]:
    made = [section(f"*New thread: {_titled(t.thread.title, t.thread.url)}*\n{_standing(t)}")]
    if t.cards:
        lines = [f"• {t_card.probability:.0%} {link(t_card.title, t_card.url)}" for t_card in t.cards]
        made.append(section("*Likely cards*\n" + "\n".join(lines)))
    if t.duplicates:
        head = "*Likely duplicates*" if t.duplicates[0].likely else "*Threads near to it*"
        lines = [f"• {_titled(d.title, d.url)}{_ground(d.why)}" for d in t.duplicates]
        made.append(section(head + "\n" + "\n".join(lines)))
    asked = [item.question for item in t.left_out if item.checked]
    if asked:
        made.append(section("*Left out by the poster*\n" + "\n".join(f"• {escaped(q)}" for q in asked)))
    if t.draft:
        made.append(section(f"*Draft reply, to edit*\n```{cut(_fenced(t.draft), _DRAFT)}```"))
    made.append(context("From the feed's text, which may be cut. nekb posts nothing to the forum."))
    return made


def _standing(t: Triage) -> str:
    topic = t.topic or "no topic that nekb knows"
    return f"{topic} · {t.route.replace('_', ' ')} · {t.outcome.replace('_', ' ')}, confidence {t.confidence:.2f}"


def _digest(message: dict[str, Any]) -> list[Block]:
    threads = message["threads"]
    head = f"*nekb: the day up to {message['until'][:16].replace('T', ' ')} UTC*\n"
    if not threads:
        return [section(head + "No new threads."), *_problem(message)]
    lines = [_digest_line(t) for t in threads[:_LISTED]]
    if len(threads) > _LISTED:
        lines.append(f"and {len(threads) - _LISTED} more")
    return [section(head + fallback(message)), *sections(lines), *_problem(message)]


def _digest_line(t: dict[str, Any]) -> str:
    named = t.get("card_title") or t.get("card")  # a digest of an earlier version has no title
    card = f" → {entities(named)}" if named else ""
    known = escaped(t["topic"]) if t.get("topic") else "nothing known"
    return f"• {_titled(t['title'], t['url'])} ({known}{card})"


def _problem(message: dict[str, Any]) -> list[Block]:
    return [section(f":warning: {escaped(message['problem'])}")] if message.get("problem") else []


def _titled(title: str, url: str | None) -> str:
    return link(one_line(title)[:200], url or "", outside=True)


def _ground(why: list[str]) -> str:
    return f" ({escaped('; '.join(why))})" if why else ""


def _fenced(draft: str) -> str:
    """A draft inside a code block, which nothing in it may end."""
    return escaped(draft, formatting=False).replace("```", "'''")
