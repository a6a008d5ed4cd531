"""What is promised of trainings on a GPU, checked on a machine that has one; see `__main__`."""
