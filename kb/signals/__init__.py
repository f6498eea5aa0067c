"""Signals: the facts that can be read out of a symptom by machine."""

from kb.signals.reader import read_signals
from kb.signals.tables import SignalTables

__all__ = ["SignalTables", "read_signals"]
