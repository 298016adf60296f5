"""What all pages and APIs share."""
