"""What a search did: whether what it proposed was better than chance, and what its early stopping costs."""
