"""The paired interval: compared with manually calculated figures, and its coverage of the true value."""

from math import sqrt

import numpy as np
import pytest

from sentiment_core.evaluation.paired_interval import paired_difference


def outcomes(both: int, first: int, second: int, neither: int):
    rows = [(True, True)] * both + [(True, False)] * first + [(False, True)] * second + [(False, False)] * neither
    return np.array(rows, np.bool_).T


def test_it_is_the_adjusted_wald_interval() -> None:
    found = paired_difference(*outcomes(both=70, first=15, second=5, neither=10))
    centre, reach = 10 / 102, 1.959963984540054 * sqrt(21 - 100 / 102) / 102
    assert found == pytest.approx((0.1, centre - reach, centre + reach), abs=1e-12)


def test_two_models_that_always_agree_are_never_told_apart() -> None:
    found = paired_difference(*outcomes(both=900, first=0, second=0, neither=100))
    assert found.estimate == 0
    assert found.low < 0 < found.high


def test_it_is_turned_around_with_the_models() -> None:
    first, second = outcomes(both=70, first=15, second=5, neither=10)
    forth, back = paired_difference(first, second), paired_difference(second, first)
    assert back == pytest.approx((-forth.estimate, -forth.high, -forth.low))


def test_without_rows_there_is_no_interval() -> None:
    with pytest.raises(ValueError, match="no rows"):
        paired_difference(np.array([], np.bool_), np.array([], np.bool_))


@pytest.mark.parametrize(("won", "lost"), [(0.02, 0.02), (0.05, 0.03), (0.15, 0.05)])
def test_it_holds_the_true_difference_as_often_as_it_says(won: float, lost: float) -> None:
    dice, rows, held = np.random.default_rng(7), 500, 0
    for _ in range(2000):
        drawn = dice.random(rows)
        first = (drawn < won) | (drawn > 0.4)
        second = ((drawn >= won) & (drawn < won + lost)) | (drawn > 0.4)
        found = paired_difference(first, second)
        held += found.low <= won - lost <= found.high
    assert 0.935 <= held / 2000 <= 0.975
