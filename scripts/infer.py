"""`python scripts/infer.py …` is `cellml infer …`."""

import sys

from cellml.cli import main

sys.exit(main(["infer", *sys.argv[1:]]))
