"""The ways to ask: command line, HTTP, Slack, MCP, web; each a thin adapter over `kb.ask()` and one `Answer`."""
