"""`python -m services.cli` is the `signpost` command."""

from services.cli.main import main

main()
