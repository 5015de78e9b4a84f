"""The shared repository: one SQL database that keeps what is so, what happened, and what is due."""
