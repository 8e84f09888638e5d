"""What people ask for: checked against the ledger, stored as an operation, sent, and answered as a row."""
