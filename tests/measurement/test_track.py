"""Objects of a series keep their ids."""

from __future__ import annotations

import numpy as np
import pytest

from napari_tally.core.errors import InputError
from napari_tally.core.progress import drain
from napari_tally.core.volume import Volume
from napari_tally.measurement.track import TrackOptions, track_steps


def series(*frames: list[tuple[int, float, float]], radius: float = 4) -> Volume:
    """Return discs, each (id, y, x), one list a frame."""
    y, x = np.indices((60, 90))
    array = np.zeros((len(frames), 60, 90), np.uint16)
    for t, discs in enumerate(frames):
        for number, cy, cx in discs:
            array[t][(y - cy) ** 2 + (x - cx) ** 2 <= radius**2] = number
    return Volume(array, "TYX", (0.5, 0.5), "um", name="series")


def ids_at(volume: Volume, *places: tuple[int, int, int]) -> list[int]:
    return [int(volume.array[place]) for place in places]


def test_an_object_keeps_its_id_whatever_its_labels_were() -> None:
    moved = series(
        [(1, 10, 10), (2, 40, 60)], [(7, 12, 13), (3, 41, 57)], [(2, 14, 18), (9, 42, 54)]
    )
    found = drain(track_steps(moved))
    first, second = ids_at(found.labels, (0, 10, 10), (0, 40, 60))
    assert {first, second} == {1, 2}
    assert ids_at(found.labels, (1, 12, 13), (2, 14, 18)) == [first, first]
    assert ids_at(found.labels, (1, 41, 57), (2, 42, 54)) == [second, second]
    assert found.graph == {}
    assert found.labels.spacing == (0.5, 0.5)
    assert (found.labels.array > 0).sum() == (moved.array > 0).sum()


def test_tracks_are_as_napari_takes_them() -> None:
    found = drain(track_steps(series([(1, 10, 10)], [(1, 12, 10)])))
    assert list(found.tracks) == ["track", "t", "y", "x"]
    assert found.tracks.to_numpy().tolist() == [[1, 0, 5, 5], [1, 1, 6, 5]]


def test_one_that_overlaps_is_preferred_to_one_that_is_nearer() -> None:
    big = series([(1, 20, 20)], [(5, 20, 20), (6, 20, 29)])
    found = drain(track_steps(big))
    assert ids_at(found.labels, (1, 20, 20)) == ids_at(found.labels, (0, 20, 20))


def test_a_missed_frame_is_bridged_up_to_the_gap() -> None:
    missed = series([(1, 20, 20)], [(1, 50, 70)], [(1, 21, 22)])
    linked = drain(track_steps(missed, TrackOptions(gap=1)))
    assert ids_at(linked.labels, (0, 20, 20)) == ids_at(linked.labels, (2, 21, 22))
    apart = drain(track_steps(missed, TrackOptions(gap=0)))
    assert ids_at(apart.labels, (0, 20, 20)) != ids_at(apart.labels, (2, 21, 22))


def test_a_division_gives_two_tracks_that_know_where_they_came_from() -> None:
    frames = [
        [(1, 30, 40)], [(1, 30, 40)], [(1, 30, 36.5), (2, 30, 45)], [(1, 30, 35), (2, 30, 46)],
    ]  # fmt: skip
    found = drain(track_steps(series(*frames, radius=4), TrackOptions(max_distance=4)))
    mother = ids_at(found.labels, (1, 30, 40))
    daughters = ids_at(found.labels, (3, 30, 35), (3, 30, 46))
    assert found.graph == dict.fromkeys(daughters, mother)
    assert len({*mother, *daughters}) == 3
    alone = drain(track_steps(series(*frames), TrackOptions(max_distance=4, divisions=False)))
    assert alone.graph == {}


def test_frames_without_objects_and_empty_series() -> None:
    gap = drain(track_steps(series([], [(1, 20, 20)], [], [(1, 20, 20)])))
    assert ids_at(gap.labels, (1, 20, 20)) == ids_at(gap.labels, (3, 20, 20))
    none = drain(track_steps(series([], [])))
    assert len(none.tracks) == 0
    assert not none.labels.array.any()


def test_a_stack_is_no_series() -> None:
    with pytest.raises(InputError, match=r"time axis \(T\)"):
        drain(track_steps(Volume(np.zeros((3, 9, 9), int), "ZYX")))
