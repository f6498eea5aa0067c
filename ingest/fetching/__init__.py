"""Fetching pages politely: one connection a host, slowly, within bounds, and not past the gate."""
