"""The export of a case for police, a platform or a court: what it holds, what is masked in it, and its proof.

Triage makes the documents and records the export in the case's chain; intake adds the evidence (decision 0070).
"""
