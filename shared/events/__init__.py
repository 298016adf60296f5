"""Every event and every topic, declared once. Services know each other only through these."""
