"""Records that an approved account exists on its platform and is ours, so that it becomes live and official (S7)."""
