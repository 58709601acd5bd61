"""How the shipped weights were made: scenes drawn at scale, packed, and learned from on a GPU.

Nothing here runs in ``dvc repro``; ``pipeline/weights`` holds what came out, with its provenance.
"""
