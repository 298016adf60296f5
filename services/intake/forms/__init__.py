"""Forms with one question per page, from the first page to the confirmation: the engine, and a module for each form."""
