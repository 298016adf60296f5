"""What every capability uses: the work of a use case, days and periods, forms and refusals."""
