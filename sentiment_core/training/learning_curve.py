"""The learning curve: accuracy of models trained on fractions of the labelled reviews."""

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
    """Cross-validate on each fraction of the training groups. The last point is the training itself, on all groups.

    The folds, and therefore the scored reviews, are those of the training. A fraction that is too small to train on has
    no point.
    """
    points = []
    for share in sorted(shares):

        def report(done: str, share: float = share) -> None:
            step(f"{share:.0%} of the groups, {done}")

        try:
            found = cross_validate(trained.reviews, params, unlabelled, report, share)
        except TrainingDataInvalid:
            continue
        points.append(LearningPoint(share, found.learned_rows, found.metrics.accuracy))
    evaluation = trained.evaluation
    return (*points, LearningPoint(1.0, evaluation.learned_rows, evaluation.metrics.accuracy))
