"""Learning: data, networks, models and the training that every chapter shares."""
