"""The trainings of a trial that is trained several times, one after the other."""
