"""Workers: each claims slots and has its trials trained."""
