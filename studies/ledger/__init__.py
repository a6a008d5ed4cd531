"""The ledger of a study: its slots, its workers, and whether it takes new trials."""
