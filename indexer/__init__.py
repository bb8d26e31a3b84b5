"""Offline half: article → blocks → passages → vectors → an index folder."""
