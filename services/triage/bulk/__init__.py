"""One action on many cases at once: a preview of whom it affects, a result for each case, and undo."""
