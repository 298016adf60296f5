"""Far too much text in everything that a person may write."""

LONG_WORD = "x" * 190
LONG_TEXT = f"{LONG_WORD}{LONG_WORD}\n" + "They said it again, and then once more. " * 100
LONG_LINK = f"https://www.example.com/{'a' * 1_500}"
