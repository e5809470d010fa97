"""The result of a run, for every front end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from numpy.typing import NDArray

from ..core.full_masks import FullMasks
from ..objects.summary import class_summary, summary
from .maps.stack_strategies import StackStrategy

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from ..core.volume import Volume
    from .maps.kept_maps import KeptMaps
    from .masks.kept_masks import KeptMasks
    from .setup.options import SegmentOptions


@dataclass(frozen=True, eq=False)
class Result:
    """Objects or classes found in an image.

    Attributes
    ----------
    volume : Volume
        The labels with the image's geometry: ids from 1, unique over slices and frames. All 0 if
        classes were not separated into objects. Where objects overlap, the one with the best score
        is in front.
    table : pandas.DataFrame
        One row per object. `confidence` is the probability that it is a true positive if the
        model is calibrated, else the mean probability of its voxels. Of a model that returns
        masks: `score`, `class` and the visible area or volume.
    evidence : ndarray, shape (objects, features)
        The evidence for each object in the maps: the basis of its confidence.
    separated : bool
        Whether objects were separated: by a semantic model only with `separate`.
    classes : Volume, optional
        Class ids on the same grid, from a model that has classes; 0 is the background.
    classes_table : pandas.DataFrame, optional
        One row per class (and frame): see `result_tables.measure_classes`.
    segments : pandas.DataFrame, optional
        From a panoptic model: one row per object (`kind` thing) and per region of stuff.
    full_masks : FullMasks
        The full masks of objects of which others cover a part, as run lengths.
    boxes : ndarray of float32, shape (objects, 4), optional
        (y0, x0, y1, x1) in px from the image's corner, one per row of the table, from a model that
        returns boxes alone. There are then no labels.
    class_names : tuple of str
        Names of the classes of objects, in the order of their ids, from a model that has them.
    maps : KeptMaps, optional
        The prediction maps of each plane, if they are kept.
    masks : KeptMasks, optional
        The objects of a network that returns masks or boxes, with low scores too, if they are kept.
    strategy : StackStrategy
        How a stack was segmented: see `segmentation.maps.stack_strategies`.
    model : dict
        Name, version and sha256 of the weights.
    diameter_px : float, optional
        Object diameter, set or estimated, in px of the image.
    scale : float
        Factor by which the image was resized for the network.
    notes : tuple of str
        What the user should know about this run.
    seconds : dict
        Wall time of each stage.

    Examples
    --------
    >>> import napari_tally
    >>> result = napari_tally.segment("cells.tif")  # doctest: +SKIP
    >>> result.summary  # doctest: +SKIP
    '312 nuclei, median area 84.2 µm²'
    >>> result.table.nsmallest(20, "confidence")  # to review first  # doctest: +SKIP
    """

    volume: Volume
    table: pd.DataFrame
    evidence: NDArray[np.float64]
    options: SegmentOptions
    model: dict[str, str]
    nouns: tuple[str, str] = ("object", "objects")
    separated: bool = True
    classes: Volume | None = None
    classes_table: pd.DataFrame | None = None
    segments: pd.DataFrame | None = None
    full_masks: FullMasks = field(default_factory=FullMasks)
    boxes: NDArray[np.float32] | None = None
    class_names: tuple[str, ...] = ()
    maps: KeptMaps | None = None
    masks: KeptMasks | None = None
    strategy: StackStrategy = field(default_factory=StackStrategy)
    diameter_px: float | None = None
    scale: float = 1.0
    device: str = "cpu"
    notes: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def can_separate(self) -> bool:
        """Whether what the network returned is kept, so that objects can be decoded again."""
        return self.maps is not None or self.masks is not None

    @property
    def labels(self) -> NDArray[np.integer]:
        """The label image."""
        labels: NDArray[np.integer] = self.volume.array
        return labels

    @property
    def count(self) -> int:
        """The number of objects."""
        return len(self.table)

    @property
    def summary(self) -> str:
        """One line: "312 nuclei, median area 84.2 µm²", or "anterior 1,512 mm³, ..."."""
        if self.classes_table is None:
            return summary(self.table, *self.nouns)
        classes = class_summary(self.classes_table)
        return f"{classes}; {summary(self.table, *self.nouns)}" if self.separated else classes
