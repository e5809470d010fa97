"""The training loop: learner, validation, checkpoints, history."""
