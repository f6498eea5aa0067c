"""Guidance cards: the canonical answer to a class of symptoms."""
