"""Many trainings from one command: jobs that die and go on, a study that is never lost, and what came of it."""
