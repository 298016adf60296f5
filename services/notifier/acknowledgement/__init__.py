"""Recipients' answers to alerts, and what happens without an answer."""
