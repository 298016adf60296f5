"""Cases that are one matter: merged into one, and taken apart again; and a case of two matters, split."""
