"""`python -m pages.terminal`, for processes that start processes."""

from pages.terminal.main import main

main()
