"""What a report says beside the shares; each is a view of the same fit."""
