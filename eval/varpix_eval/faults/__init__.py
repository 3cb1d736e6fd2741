"""Faults planted in inputs, outputs and arguments, and the judgement of how varpix answers each.

One module for each area of inputs; `world` is what they break, `runner` runs, `judgement` judges, `table` writes docs/faults.md.
"""
