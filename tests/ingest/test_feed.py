"""A feed: exact titles, addresses, authors and dates; cut bodies; never a reply."""

from __future__ import annotations

from tests.ingest.pages import HOST, feed, read

FEED = f"{HOST}/forums/tags/rssFeed/networkextension"


def test_every_item_is_a_part_of_its_thread() -> None:
    parsed = read(feed(3), FEED)
    assert parsed.problems == ()
    document = parsed.parts[1].document
    assert (document.id, document.url) == ("thread-800002", f"{HOST}/forums/thread/800002")
    post = document.posts[0]
    assert (post.author, post.created) == ("teapot-1", "2026-03-17T10:01:00+00:00")
    assert not document.apple_replied
    assert [p.part for p in parsed.parts] == ["feed"] * 3


def test_a_saved_feed_is_read_like_a_fetched_one() -> None:
    assert [p.document.id for p in read(feed(3)).parts] == [p.document.id for p in read(feed(3), FEED).parts]


def test_a_feed_without_items_or_with_items_that_say_nothing_is_broken() -> None:
    assert read(feed(0), FEED).broken
    assert read(feed(1).replace("<title>Kettle number 800001 joins twice</title>", ""), FEED).broken


def test_a_cut_feed_gives_what_it_holds_and_says_so() -> None:
    whole = feed(5)
    parsed = read(whole[: whole.index("800004")], FEED)
    assert len(parsed.parts) >= 3
    assert parsed.problems


def test_entities_that_grow_without_end_are_not_expanded() -> None:
    bomb = '<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(12)
    )
    text = feed(1).replace('<rss version="2.0"', f'{bomb}]><rss version="2.0"', 1).replace("joins twice", "&m;")
    parsed = read(text, FEED)
    assert sum(len(p.document.title) for p in parsed.parts) < 1_000_000


def test_an_item_of_another_host_has_no_address() -> None:
    parsed = read(feed(1).replace(f"{HOST}/forums/thread/800001", "https://evil.example/forums/thread/1"), FEED)
    assert all(p.document.url is None for p in parsed.parts)
    assert not parsed.sound
