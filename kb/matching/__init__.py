"""Matching: which guidance cards, and which threads, answer a symptom."""
