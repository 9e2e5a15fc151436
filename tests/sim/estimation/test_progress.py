from __future__ import annotations

from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from cellml.sim.estimation.progress import solutions_progress

from .conftest import TRUTH


@pytest.mark.parametrize("watched", [True, False])
def test_the_number_of_solutions_and_chi2_are_shown_to_those_who_watch(noisy, watched):
    shown = StringIO()
    with solutions_progress(Console(file=shown, force_terminal=watched, width=80)) as tell:
        problem = replace(noisy, tell=tell)
        problem.residuals(TRUTH + 0.1)
        residuals = problem.residuals(TRUTH)
    chi2 = float(np.sum(residuals[:20] ** 2))
    if watched:
        assert f"model solutions: 2, chi² = {chi2:.4g}" in shown.getvalue()
    else:
        assert shown.getvalue().strip() == ""
