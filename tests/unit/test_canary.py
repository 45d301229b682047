"""The keys that a canary answers: the same ones on all machines, and only added to as its fraction grows."""

import subprocess
import sys
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from api.models.canary import place

PLACES = 2**64
KEYS = [f"customer-{number}" for number in range(20_000)]


def taken(share):
    return {key for key in KEYS if place(key) < share * PLACES}


def test_a_share_of_the_keys_is_taken():
    # Four standard deviations of a binomial count. The keys are fixed, so the test always passes or always fails.
    for share in (0.01, 0.1, 0.25, 0.5, 0.9):
        deviation = (len(KEYS) * share * (1 - share)) ** 0.5
        assert abs(len(taken(share)) - len(KEYS) * share) < 4 * deviation


def test_nothing_is_taken_at_zero_and_all_at_one():
    assert taken(0) == set()
    assert len(taken(1)) == len(KEYS)


def test_a_growing_share_gives_no_key_back():
    shares = [taken(share) for share in (0.01, 0.05, 0.1, 0.5, 0.51, 1)]
    assert all(smaller < larger for smaller, larger in pairwise(shares))


def test_a_key_has_one_place_in_every_process_and_every_release():
    command = [
        sys.executable,
        "-c",
        "from api.models.canary import place; print(place('customer-7'), place('ü'), place(''))",
    ]
    found = {subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout for _ in range(2)}
    assert found == {f"{place('customer-7')} {place('ü')} {place('')}\n"}
    assert place("customer-7") == 11_015_276_243_147_996_824


@given(st.text(alphabet=st.characters(), max_size=1_000))
def test_any_key_has_a_place(key):
    assert 0 <= place(key) < PLACES
