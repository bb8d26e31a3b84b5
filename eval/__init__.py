"""The content team's bench: are patients better off after a change? Better, worse or tie."""
