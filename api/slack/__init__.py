"""Slack: `/nekb`, mentions, and "Ask nekb about this message"."""
