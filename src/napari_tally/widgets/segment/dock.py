"""The Segment dock: choose an image, press Run, adjust by eye, export."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_info
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QCheckBox

from ...core.errors import InputError, TallyError, sentence
from ...models.bundle import (
    SHIPPED_DEFAULT,
    model_folder,
    read_info,
    read_spatial_dims,
    shipped_models,
)
from ...models.probe import Probe
from ...models.suggest import Suggestion, suggest_for
from ...models.trust import UntrustedError
from ...segmentation.setup.model_channels import channel_choices
from ...segmentation.setup.options import SegmentOptions
from ..controls.dock import WRONG_INPUT, Dock
from ..controls.model_events import model_events
from ..controls.preload import preload, quick_collections, torch_steps
from ..controls.scroll_area import scrolled
from ..controls.settings import own_models, remembered
from ..controls.trust_dialog import ask_trust
from ..layers.edited_labels import is_corrected
from ..layers.image_layer import (
    Region,
    axes_of,
    geometry_of,
    spacing_text,
    spell_axes,
    volume_of,
    with_typed_spacing,
)
from ..layers.mask_images import is_mask, mask_sentence
from ..layers.placement import placed_volume
from ..layers.rescaled import Rescaled
from .box_layer import show_boxes
from .estimate import Forecast
from .export_panel import TakeAway
from .fit_panel import FitPanel, fit_job, min_size_text
from .form import SegmentForm
from .job import Done, Job, forget_models, model_steps, segment_job, separate_job
from .live_preview import show_preview
from .live_result import LiveResult
from .messages import explained
from .model_offer import ModelOffer
from .overlap_layers import show_overlaps
from .rehearsal import rehearsal_steps
from .result_layer import ResultLayer
from .result_parts import CLASSES, OBJECTS, parts_of
from .tune_panel import TunePanel

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Shapes

    from ...core.volume import Volume
    from ...segmentation.tune import Tuning

_SETTLE_MS = 50


class SegmentDock(Dock):
    """Find, separate, count and measure the objects of an image layer."""

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer, "napari-tally")
        self.form = SegmentForm(napari_viewer)
        self.tune = TunePanel()
        self.fit = FitPanel(napari_viewer)
        self.take_away = TakeAway(napari_viewer)
        self.unset_size = self.form.object_size.native.placeholderText()
        self.results = {kind: ResultLayer(napari_viewer) for kind in (OBJECTS, CLASSES)}
        self.forecast = Forecast()
        self.done: Done | None = None
        self.live: LiveResult | None = None  # the tables of the last result
        self.moved = False  # whether a slider was moved during a run
        self.picked = False  # whether the user picked a model
        self.rescaled = Rescaled(self._rescaled)
        self.offered = ""  # voxel size of the image
        self.probe: Probe | None = None  # of the image
        self.suggestion: Suggestion | None = None  # unless the user picked a model
        # The form reports a change before dependent widgets, such as the sliders, are updated.
        self.settled = QTimer(self)
        self.settled.setSingleShot(True)
        self.settled.timeout.connect(self._forecast)
        self._build()
        self._connect()
        self._offer_models()
        self._image_changed(self.form.image.value)
        preload.begin(torch_steps, needed=True)
        preload.begin(model_steps, self.model)
        preload.begin(rehearsal_steps, self.model)

    def _build(self) -> None:
        self.contours = QCheckBox("Contours")
        self.contours.setChecked(remembered().contours)
        column = scrolled(self)
        for part in (
            self.form.native, self.panel, self.contours, self.tune, self.fit, self.take_away,
        ):  # fmt: skip
            column.addWidget(part)
        column.addStretch(1)
        for part in (self.contours, self.tune, self.fit, self.take_away):
            part.setVisible(False)  # until there is a result

    def _connect(self) -> None:
        form, runner = self.form, self.runner
        form.image.changed.connect(self._image_changed)
        form.model.changed.connect(self._model_changed)
        form.model.native.activated.connect(self._model_picked)
        form.axes.native.editingFinished.connect(self._axes_changed)
        form.spacing.native.editingFinished.connect(self._spacing_changed)
        form.circle.toggled.connect(self._draw_circle)
        if remembered().device in form.device.choices:
            form.device.value = remembered().device
        form.device.changed.connect(self._device_changed)
        form.changed.connect(self._form_changed)
        self.panel.run.clicked.connect(self.run)
        self.panel.cancel.clicked.connect(self.cancel)
        self.contours.toggled.connect(self._contours_changed)
        self.tune.changed.connect(self.separate)
        self.fit.asked.connect(self.fit_sliders)
        self.take_away.refresh.clicked.connect(self._measure_edits)
        runner.stepped.connect(self.panel.step)
        runner.finished.connect(self._finished)
        remembered().events.model_folder.connect(self._offer_models)
        model_events.changed.connect(self._models_changed)
        model_events.chosen.connect(self._choose_model)

    def let_go(self) -> None:
        """Stop, and disconnect from the viewer."""
        super().let_go()
        self._leave()
        self.settled.stop()
        self.rescaled.follow(None)
        self.form.image.stop()
        self.fit.stop()
        self.take_away.finder.stop()
        remembered().events.model_folder.disconnect(self._offer_models)
        model_events.changed.disconnect(self._models_changed)
        model_events.chosen.disconnect(self._choose_model)

    @property
    def result(self) -> ResultLayer:
        """The objects of the last result, in the viewer."""
        return self.results[OBJECTS]

    def job(self) -> Job:
        """Return the job that the form describes.

        Raises
        ------
        TallyError
            If the form is invalid; the message says what to change.
        """
        layer = self.form.image.value
        if layer is None:
            raise InputError("There is no image layer", hint="Open an image or a sample")
        axes = self.form.axes.value.strip().upper() or axes_of(layer)
        placed = placed_volume(layer, axes)
        volume = self._calibrated(placed)
        region = Region.of(self.viewer, layer, axes, self.form.region.value)
        return Job(
            layer.name,
            volume,
            region,
            geometry_of(layer, axes, region),
            self.model,
            self._options(),
            str(layer.source.path or ""),
            volume is not placed,
        )

    @property
    def model(self) -> str:
        """Name or folder of the model chosen now."""
        return str(self.form.model.value)

    def _calibrated(self, volume: Volume) -> Volume:
        return with_typed_spacing(volume, self.form.spacing.value)

    def _options(self) -> SegmentOptions:
        info = read_info(model_folder(self.model))
        return self.form.values(keep_maps=True, **self.tune.options(info.head))

    def _flat_on_stack(self) -> bool:
        """Tell whether a stack is to be segmented by a 2D model."""
        layer = self.form.image.value
        deep = layer is not None and "Z" in self.form.axes.value.upper()
        return deep and read_spatial_dims(model_folder(self.model)) == 2

    def run(self) -> None:
        """Start the segmentation."""
        try:
            job = self.job()
        except WRONG_INPUT as error:
            self.refuse(error)
            return
        spell_axes(self.form.image.value, job.volume.axes)
        self.moved = False
        self.fit.words = []
        self.panel.start()
        self.runner.start(segment_job, job)

    def separate(self) -> None:
        """Decode the cached prediction maps with the slider values, without the network."""
        if self.done is None:
            return
        if self.panel.busy:  # the network is running
            self.moved = True
            return
        earlier = self.done
        try:
            tuned = self.tune.options(earlier.model.info.head)
            options = SegmentOptions(**earlier.job.options.model_dump() | tuned)
            if self.live is not None and self.result.is_ours:
                self.live.hold()  # the labels are replaced when they are decoded
            show_preview(self.viewer, self.result, earlier, options)
        except WRONG_INPUT as error:
            self.refuse(error)
            return
        job = replace(earlier.job, options=options)
        self.runner.start(separate_job, job, earlier, bar=False)

    def cancel(self) -> None:
        """Stop within a step; earlier results stay."""
        super().cancel()
        self._release()

    def _failed(self, error: BaseException) -> None:
        self._release()
        if isinstance(error, UntrustedError):
            self.panel.idle()
            if ask_trust(error.path, self):
                self.run()
            else:
                self.panel.say(f"{error.path.name} is not trusted, and was not loaded.")
            return
        super()._failed(error)

    def _release(self) -> None:
        """Measure what is shown, if a run that was to replace it did not end."""
        if self.live is not None:
            self.live.release()

    def fit_sliders(self) -> None:
        """Fit the sliders to the chosen ground truth."""
        if self.done is None or self.panel.busy:
            return
        try:
            arguments = self.fit.arguments(self.done)
        except WRONG_INPUT as error:
            self.refuse(error)
            return
        self.panel.start()
        self.runner.start(fit_job, *arguments)

    def _fitted(self, tuning: Tuning) -> None:
        """Set the sliders to the fitted values and decode with them."""
        self.panel.idle()
        self.fit.take(tuning)
        self.tune.put(tuning.info.head)
        assert self.done is not None
        self.tune.min_size.value = min_size_text(tuning, self.done)
        self.separate()

    def _finished(self, done: Done | Tuning) -> None:
        if not isinstance(done, Done):
            self._fitted(done)
            return
        self.panel.idle()
        # The sliders belong to the chosen model.
        self.done = done if done.job.model == self.model else None
        contour, parts = int(self.contours.isChecked()), parts_of(done)
        before = self.result.layer
        with quick_collections():  # napari's new layer takes 0.2 s without one
            layers = {
                part.kind: self.results[part.kind].show(done, part, contour) for part in parts
            }
            boxes = show_boxes(self.viewer, done)
            show_overlaps(self.viewer, done, contour)
        self._follow(done, layers, boxes)
        self.forecast.learn(done)
        self.contours.setVisible(bool(layers))
        self.take_away.setVisible(True)
        self.tune.setVisible(self.done is not None and done.result.can_separate)
        self.fit.show_for(self.done)
        kept = _kept_note(before, self.result.layer)
        self.panel.say("\n".join([*self.fit.words, explained(done), *kept]))
        self._show_guess(done)
        if self.moved:
            self.moved = False
            self.separate()

    def _follow(self, done: Done, layers: dict[str, Labels], boxes: Shapes | None) -> None:
        """Show the tables of a result, and measure its layers again when they are edited."""
        if not layers:  # boxes alone
            self._leave()
            self.take_away.take(done, None, boxes)
            return
        before, self.live = self._leave(), LiveResult(self.viewer, done, layers)
        if before is not None and set(before.layers) & set(self.live.layers):
            before.stop()  # else it follows an earlier layer, which was edited
        self.live.measured.connect(self._edited)
        self.live.outdated.connect(self._outdated)
        self.live.restored.connect(self._restored)
        self.take_away.take(done, self.live, boxes)

    def _leave(self) -> LiveResult | None:
        """Leave the tables of the last result to themselves, and return them."""
        live, self.live = self.live, None
        if live is not None:
            live.measured.disconnect(self._edited)
            live.outdated.disconnect(self._outdated)
            live.restored.disconnect(self._restored)
            live.leave()
        return live

    def _edited(self, done: Done) -> None:
        """Show the table and the count of edited labels."""
        assert self.live is not None
        self.take_away.take(done, self.live, self.take_away.boxes)
        self._restored()

    def _outdated(self, why: str) -> None:
        self.take_away.refresh.setVisible(True)
        if not self.panel.busy:
            self.panel.say(why)

    def _restored(self) -> None:
        """Show the count of the labels as they are now."""
        self.take_away.refresh.setVisible(False)
        if not self.panel.busy and self.take_away.done is not None:
            done = self.take_away.done
            edited = self.live is not None and done is not self.live.done
            self.panel.say(explained(done, edited=edited))

    def _measure_edits(self) -> None:
        """Measure edited labels that are too large to be measured at once."""
        if self.live is not None:
            self.panel.say("Measuring the edited labels...")
            self.live.start()

    def _offer_models(self) -> None:
        """List the models, those for the image first; the choice stays."""
        combo, before = self.form.model, self.form.model.value
        self.offer = ModelOffer.of(self.probe, own_models())
        wanted = [before, dict(self.offer.choices).get(remembered().model), SHIPPED_DEFAULT]
        with combo.changed.blocked():
            combo.offer(self.offer.choices, self.offer.tooltips, self.offer.misfits)
            combo.value = next(model for model in wanted if model in combo.choices)
        if combo.value != before:
            self._model_changed()

    def _models_changed(self) -> None:
        """Follow the library: a model may be new, gone, or another one of the same name."""
        forget_models()
        self._offer_models()

    def _choose_model(self, name: str) -> None:
        """Choose a model, as if the user had picked it."""
        self._offer_models()
        if name in self.form.model.choices:
            self.picked = True
            self.form.model.value = name

    def _model_picked(self) -> None:
        self.picked = True
        self._describe_model()

    def _offer_for(self, volume: Volume) -> None:
        """Offer the models for an image; choose the one that suits it, unless the user picked."""
        self.probe = Probe(volume)
        self._offer_models()
        self.suggestion = None
        if not self.picked and self.model in shipped_models():
            self.suggestion = suggest_for(self.probe)
            self.form.model.value = self.suggestion.model
        self._describe_model()

    def _describe_model(self) -> None:
        """Show what the model is for, and why it was chosen or is not for the image."""
        try:
            text = read_info(model_folder(self.model)).description
        except TallyError as error:
            self.form.about.setText(sentence(error))
            return
        found, reason = self.suggestion, self.offer.misfits.get(self.model)
        if found is not None and found.model == self.model and not self.picked and found.reason:
            text += f". Chosen since {found.reason}."
        elif reason:
            text += f". Not for this image: {reason}."
        self.form.about.setText(text)

    def _model_changed(self) -> None:
        self._describe_model()
        try:
            info = read_info(model_folder(self.model))
        except TallyError:
            return  # said above
        remembered().model = Path(self.model).name
        self.form.fit_model(info)
        self._forget_guess()
        self._offer_channels()
        self.tune.offer(info.head, ("least_visible",) if info.finds_boxes else ())
        self.tune.setVisible(False)
        self.done = None
        self._forecast()

    def _image_changed(self, layer: Image | None) -> None:
        self.panel.run.setEnabled(layer is not None and not self.runner.busy)
        self.rescaled.follow(layer)
        self._forget_guess()
        self.probe = None
        if layer is None:
            self.panel.say("Open an image or a sample: File > Open Sample > napari-tally.")
            return
        self.panel.say(mask_sentence(layer) if is_mask(layer) else "")
        self.form.axes.value = ""
        try:
            self.form.axes.value = axes_of(layer)
        except TallyError as error:
            self.panel.say(sentence(error))
            return
        self.form.show_row(self.form.axes, visible=layer.ndim > 2)
        self._axes_changed()

    def _axes_changed(self) -> None:
        layer = self.form.image.value
        if layer is None:
            return
        try:
            volume = volume_of(layer, self.form.axes.value.strip().upper())
        except WRONG_INPUT as error:
            self.refuse(error)
            return
        self._offer_for(volume)
        self._offer_channels()
        self.form.spacing.value = self.offered = spacing_text(volume)
        self._show_units(volume)
        self._forecast()

    def _offer_channels(self) -> None:
        """List the channels that the model can take of the image."""
        layer = self.form.image.value
        if layer is None:
            return
        try:
            volume = volume_of(layer, self.form.axes.value.strip().upper())
            names = read_info(model_folder(self.model)).preprocessing.channels
        except WRONG_INPUT:
            return  # said where they are chosen
        self.form.set_channels(channel_choices(volume, names))

    def _rescaled(self) -> None:
        """Follow the voxel size of the image, unless the user typed another one."""
        if self.form.spacing.value == self.offered:
            self._axes_changed()

    def _spacing_changed(self) -> None:
        """Read plain sizes in the unit of the typed voxel size."""
        layer = self.form.image.value
        if layer is None:
            return
        try:
            self._show_units(self._calibrated(volume_of(layer, self.form.axes.value.upper())))
        except WRONG_INPUT as error:
            self.refuse(error)

    def _show_units(self, volume: Volume) -> None:
        self.form.set_units(volume)
        self.tune.set_units(volume, 3 if "Z" in volume.axes else 2)

    def _form_changed(self) -> None:
        """Clear the error of the form and update the forecast."""
        self.accept()
        self.settled.start(_SETTLE_MS)

    def _device_changed(self, device: str) -> None:
        remembered().device = device

    def _contours_changed(self, on: bool) -> None:
        remembered().contours = on
        for result in self.results.values():
            if result.layer is not None:
                result.layer.contour = int(on)

    def _forecast(self) -> None:
        try:
            self.form.show_row(self.form.stack, visible=self._flat_on_stack())
            forecast = self.forecast.sentence(self.job())
        except WRONG_INPUT:
            forecast = ""
        self.form.forecast.setText(forecast)

    def _forget_guess(self) -> None:
        """An estimate belongs to one image and one model."""
        self.form.object_size.native.setPlaceholderText(self.unset_size)

    def _show_guess(self, done: Done) -> None:
        size, spacing = done.result.diameter_px, done.job.volume.spacing
        if size and not self.form.object_size.value:
            size *= min(spacing[-2:]) if spacing is not None else 1
            self.form.object_size.native.setPlaceholderText(f"≈ {size:.3g}")

    def _draw_circle(self, on: bool) -> None:
        from .size_circle import draw_circle, remove_circle

        remove_circle(self.viewer)
        layer = self.form.image.value
        if not on or layer is None:
            return
        try:
            job = self.job()
            given = job.options.diameter_px(job.volume)
        except WRONG_INPUT as error:
            self.refuse(error)
            return
        estimated = self.done.result.diameter_px if self.done is not None else None
        if given is None and estimated is None:
            show_info("Enter an object size, or press Run to estimate it.")
            return
        draw_circle(self.viewer, layer, given or estimated or 0.0)


def _kept_note(before: Labels | None, now: Labels | None) -> list[str]:
    """Return a note about an edited layer that stays beside a new one."""
    if before is None or now is None or before is now or not is_corrected(before):
        return []
    return [f"{before.name}, which you edited, is kept; {now.name} is the new result."]
