"""Finding cases by what is written about them."""
