"""Scenes for the demo model: attributes, drawing and captions."""
