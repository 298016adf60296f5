"""The part of Signpost that people meet first: the start page, the forms, the API for reports, and status pages."""
