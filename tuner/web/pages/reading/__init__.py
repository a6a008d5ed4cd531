"""What the pages read: the query of an address, and the trials that are meant."""
