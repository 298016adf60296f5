"""Evidence of a case: what there is, who added and opened it and why, and single-use grants to see or add some.

Only intake has the bytes. Triage decides who may, records it in the case's chain, and hands out a grant.
"""
