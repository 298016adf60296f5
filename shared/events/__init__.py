"""Every event and every topic, declared once. Services meet here and nowhere else."""
