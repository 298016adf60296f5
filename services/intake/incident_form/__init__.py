"""The form for security incidents, for staff and for suppliers."""
