"""The package behind the book on the geometry and information of latent spaces.

Import a room for what it holds: ``from latentbook.volume import volume_penalty``. Nothing is imported here, so that a
room costs what it needs and no more.
"""

__version__ = "0.1.0"
