"""Searches without a database: proposers and rules of early stopping over trainings that can pause."""
