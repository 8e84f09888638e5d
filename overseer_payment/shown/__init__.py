"""What people see of the ledger: whose rows, and which questions it answers alone."""
