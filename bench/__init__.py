"""Measurements, run by hand: `python -m bench.accept` (or `apply`, `burst`, `pages`, `search`).

Each result is a ratio to a floor that was measured in the same run, because figures of two machines, or of
one machine at two hours, can't be compared. docs/performance.md tells what they mean.
"""
