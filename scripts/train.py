"""`python scripts/train.py …` is `cellml train …`."""

import sys

from cellml.cli import main

sys.exit(main(["train", *sys.argv[1:]]))
