"""The form for an exception to the policy."""
