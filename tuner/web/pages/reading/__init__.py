"""What the pages read: the query of an address, the studies that are there, the trials that are meant."""
