"""Workers as an array of Slurm's, submitted by `submitit`: the request, Slurm's own programs, and a task from inside."""
