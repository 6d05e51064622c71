"""Learning a plan from a book: frequency, severity, what has earned its place, and the plan made of it."""
