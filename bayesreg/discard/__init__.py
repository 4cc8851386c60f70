"""What a point estimate discards, quantity by quantity, from draws of the posterior."""
