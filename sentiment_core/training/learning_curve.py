"""Would more labelled reviews help: how good models are that learn from a part of them."""

from collections.abc import Sequence
from typing import Final

from sentiment_core.errors import TrainingDataInvalid
from sentiment_core.evaluation.metrics import LearningPoint
from sentiment_core.params import Params
from sentiment_core.training.train import Trained, TrainingStep, cross_validate

SHARES: Final = (0.10, 0.25, 0.50)


def learning_curve(
    trained: Trained,
    params: Params,
    unlabelled: Sequence[str] = (),
    shares: Sequence[float] = SHARES,
    step: TrainingStep = lambda _: None,
) -> tuple[LearningPoint, ...]:
    """Cross-validate with each share of the groups to learn from; the last point is the training's own, with all.

    The folds, and so the reviews that are scored, are those of the training. A share that is too small to learn from
    has no point.
    """
    points = []
    for share in sorted(shares):

        def told(done: str, share: float = share) -> None:
            step(f"{share:.0%} of the groups, {done}")

        try:
            found = cross_validate(trained.reviews, params, unlabelled, told, share)
        except TrainingDataInvalid:
            continue
        points.append(LearningPoint(share, found.learned_rows, found.metrics.accuracy))
    evaluation = trained.evaluation
    return (*points, LearningPoint(1.0, evaluation.learned_rows, evaluation.metrics.accuracy))
