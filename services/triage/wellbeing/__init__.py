"""What keeps casework fair and the people who do it well: stepping back from a case, and who decides twice."""
