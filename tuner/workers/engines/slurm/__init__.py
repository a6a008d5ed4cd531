"""Workers as an array of Slurm's: the request, Slurm's own programs, and a task from inside."""
