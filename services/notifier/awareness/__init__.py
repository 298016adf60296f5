"""What everybody has to know, and who has said that they do (R-b, X2)."""
