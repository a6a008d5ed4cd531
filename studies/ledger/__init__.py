"""The ledger of a study: its slots, its workers, what steers it."""
