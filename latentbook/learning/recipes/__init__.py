"""Recipes: model, loss, weights and settings of each experiment at each scale, one file a chapter."""
