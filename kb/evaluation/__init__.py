"""Evaluation: labelled questions in, figures with their confidence intervals out."""
