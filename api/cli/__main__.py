"""`python -m api.cli` is `nekb`."""

from api.cli.main import main

main()
