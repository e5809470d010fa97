"""A form made from an options model, with one row per field."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from magicgui.widgets import Container
from magicgui.widgets.bases import Widget

from ...core.checked_options import checked
from ...core.options import Options
from .label_column import LabelColumn
from .option_editors import editor, name_of, offered, text_of, tip
from .section import Section

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

T = TypeVar("T", bound=Options)
_GAP = 4  # px between rows


class OptionsForm(Container[Widget], Generic[T]):
    """A row for each field of options, with its label, limits, default, choices and tooltip.

    New fields of the model get a row without changes here or in a dock.

    Parameters
    ----------
    options : type of Options
    layout : sequence of str or Widget
        What comes first, in this order: names of fields, and widgets. A widget with the name of a
        field edits that field. All other fields follow, the advanced ones in a folded section.
    include, exclude : collections of str
        Names of fields that have a row (all by default), or none.
    fold : collection of str
        Names of more fields for the folded section: what this dock has little room for.
    unset : str
        What a field shows that is left to the program.
    """

    def __init__(
        self,
        options: type[T],
        layout: Sequence[str | Widget] = (),
        *,
        include: Collection[str] | None = None,
        exclude: Collection[str] = (),
        fold: Collection[str] = (),
        unset: str = "default",
    ) -> None:
        self.options_type = options
        own = {w.name: w for w in layout if isinstance(w, Widget)}
        self.fields = {
            path: field
            for path, field in offered(options)
            if not _within(path, exclude) and (include is None or _within(path, include))
        }
        self.editors: dict[str, Any] = {
            path: own[path] if path in own else editor(path, field, unset)
            for path, field in self.fields.items()
        }
        for path, widget in own.items():
            if path in self.fields:
                widget.label, widget.tooltip = self.fields[path].label, tip(self.fields[path])
            elif widget.label == path.replace("_", " "):  # magicgui's own
                widget.label = widget.label.capitalize()
        first = [self.editors[w] if isinstance(w, str) else w for w in layout]
        named = {widget.name for widget in first}
        rest = [path for path in self.editors if path not in named]
        folded = [p for p in rest if self.fields[p].offer.advanced or _within(p, fold)]
        plain = [self.editors[path] for path in rest if path not in folded]
        self.advanced = _column([self.editors[path] for path in folded])
        self.section = Section("Advanced", self.advanced.native)
        self.absent: set[str] = set()  # fields whose row is hidden
        self.at_first = {path: each.value for path, each in self.editors.items()}
        super().__init__(widgets=[*first, *plain])
        self.label_column = _tighten(self)
        self.native.layout().addWidget(self.section)
        self.section.setVisible(bool(folded))
        self.advanced.changed.connect(lambda: self.changed.emit(self))

    def values(self, **others: Any) -> T:
        """Return the options of the form, with values for fields without a row.

        Raises
        ------
        InputError
            If a value is invalid; the message starts with the label of the field.
        """
        given: dict[str, Any] = {}
        for path, value in self._given():
            *outer, name = path.split(".")
            place = given
            for part in outer:
                place = place.setdefault(part, {})
            place[name] = value
        return checked(self.options_type, given | others, lambda field: field.label)

    def set(self, values: Mapping[str, Any] | Options) -> None:
        """Set the values of some fields; other fields do not change."""
        given = values.model_dump() if isinstance(values, Options) else values
        for path, value in _flat(given):
            if path in self.editors:
                self.editors[path].value = self._shown(path, value)

    def reset(self) -> None:
        """Reset all fields to their defaults."""
        for path, value in self.at_first.items():
            self.editors[path].value = value

    def show_row(self, widget: Widget, *, visible: bool) -> None:
        """Show or hide a row; hidden fields have their defaults."""
        widget.visible = visible
        if widget.name in self.editors:
            (self.absent.discard if visible else self.absent.add)(widget.name)

    def put_beside(self, widget: Widget, other: QWidget) -> None:
        """Put a button into the row of a widget, at its end."""
        widget.native.parentWidget().layout().addWidget(other)

    def put_below(self, widget: Widget | None, other: QWidget) -> None:
        """Put a text or another widget below the row of a widget, or at the top."""
        column = self.native.layout()
        row = -1
        if widget is not None:
            lies_in_row = widget.native.parentWidget() is not self.native
            row = column.indexOf(widget.native.parentWidget() if lies_in_row else widget.native)
        column.insertWidget(row + 1, other)

    def _given(self) -> Iterator[tuple[str, Any]]:
        """Yield the fields that differ from their defaults, with the values of their rows."""
        for path, each in self.editors.items():
            value = each.value
            if path in self.absent or value is None or value == "" or value == self.at_first[path]:
                continue
            yield path, self._separated(path, value)

    def _separated(self, path: str, value: Any) -> Any:
        """Convert the value of a row to that of its field: text with commas to a list."""
        field = self.fields[path]
        if not field.many or not isinstance(value, str):
            return value
        if field.type is str:
            return [part.strip() for part in value.split(",") if part.strip()]
        return value.replace(",", " ").split()

    def _shown(self, path: str, value: Any) -> Any:
        """Convert the value of a field to that of its row."""
        if self.fields[path].choices and not self.fields[path].many:
            return name_of(value)
        is_text = isinstance(self.at_first[path], str)
        return text_of(value) if is_text else value


def _column(widgets: Sequence[Widget]) -> Container[Widget]:
    column = Container[Widget](widgets=widgets)
    _tighten(column)
    return column


def _tighten(column: Container[Widget]) -> LabelColumn:
    """Reduce the space between rows, and align their labels."""
    column.margins = (0, 0, 0, 0)
    column.native.layout().setSpacing(_GAP)
    return LabelColumn(column.native)


def _within(path: str, names: Collection[str]) -> bool:
    """Tell whether a field is one of some fields, or nested in one."""
    return path in names or path.partition(".")[0] in names


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield values of options within options by their path."""
    for name, value in values.items():
        yield f"{before}{name}", value
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
