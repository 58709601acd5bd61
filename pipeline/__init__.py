"""Segmentation datasets from Roboflow: audit, train, restore and report.

Verb modules are the steps of ``dvc.yaml``; noun modules are what the steps share. Steps
meet only through files, so no step imports another.
"""
