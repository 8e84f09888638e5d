"""The ledger: what providers say, merged; what people see, derived from it."""
