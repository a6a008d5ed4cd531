"""A conditional space as a frozen value: its nodes, and what can be done with them."""
