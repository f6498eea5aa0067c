"""Triage of the forum's new threads: reading one, showing its judgement, watching the feed, sending it on."""
