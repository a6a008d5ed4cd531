"""Which question is asked, its ledger in a database, and what the ledger tells."""
