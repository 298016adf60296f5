"""The reporter asks for an outcome to be looked at again; triage looks, and tracking shows what came of it."""
