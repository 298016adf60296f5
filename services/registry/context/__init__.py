"""What all capabilities share: the work of a use case, days and periods, forms and refusals."""
