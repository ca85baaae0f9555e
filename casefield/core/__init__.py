"""The ground floor: database, clock, ledger, receipts, windows. Knows no feature."""
