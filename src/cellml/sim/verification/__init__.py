"""Reference cases with exact answers for the bulk–surface engine; `experiments/verification/run.py` prints them all."""
