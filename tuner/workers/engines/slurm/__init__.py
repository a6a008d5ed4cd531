"""Workers as an array of Slurm's: the request, Slurm's own programs, a task from inside."""
