"""The creation gate (S7): requests for accounts, who approves them, and who stands in for whom."""
