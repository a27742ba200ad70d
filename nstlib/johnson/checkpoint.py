"""The state of a training in a folder, to go on from after a kill at any moment."""

import json
import math
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import pandas as pd

from nstlib.arguments import is_whole
from nstlib.errors import TrainingError

_WEIGHTS = "checkpoint.weights.h5"
_HISTORY = "history.csv"
_SETTINGS = "settings.json"
_TEMPORARY = ".unfinished-"
_EXTENSIONS = "extensions"
_BYTES_OF_A_VARIABLE = 2048  # in a file, beside its numbers; today's take half of that


class Checkpoint:
    """Saves and restores trainer, optimizer and history.

    The history is written first and the weights, which hold the step count, last, each through a rename: whatever
    comes between, the weights decide, and the history is cut to them.

    Args:
        folder: where to; made by `restore` if it is not there.
        settings: what the run is, as JSON-ready values; a folder that holds another run is refused.
        columns: of the history; the first is the step, counted from 1.
        growing: the setting that may be larger than in the folder: a run that was to be so long is made longer.
    """

    def __init__(
        self,
        folder: str | Path,
        settings: Mapping[str, Any],
        columns: Sequence[str],
        *,
        growing: str | None = None,
    ):
        self.folder, self.columns, self.growing = Path(folder), list(columns), growing
        self.settings = json.loads(json.dumps(settings))

    @property
    def extensions(self) -> list[dict[str, int]]:
        """How often the run was made longer: `at` which step, and what the growing setting was until then."""
        return list(self.settings.get(_EXTENSIONS, []))

    def restore(self, trainer: keras.Model) -> list[dict[str, float]]:
        """Loads the saved state into `trainer`, or saves its first one.

        Args:
            trainer: compiled, its optimizer built.

        Returns:
            The rows of the history so far, as many as the optimizer took steps.

        Raises:
            TrainingError: a folder that cannot be written, has no room for a new state beside the old one, is damaged,
                or holds another run.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for unfinished in self.folder.glob(f"{_TEMPORARY}*"):  # of a run that was killed
                shutil.rmtree(unfinished)
            resumed = (self.folder / _WEIGHTS).exists()
        except OSError as error:
            raise self._cannot_write(error) from error
        found = self._found_settings() if resumed else {}
        if not resumed:
            self._write_settings()
            self.save(trainer, [])
        history = self._load(trainer)
        if resumed:
            self._keep_extensions(found, len(history))
            # Unchanged ones too, to find out now whether the folder can be written.
            self._write_settings()
        # To find out now whether there is room for a new state beside the old one.
        self.save(trainer, history)
        return history

    def save(self, trainer: keras.Model, history: Sequence[Mapping[str, float]]) -> None:
        """Writes the state of now.

        Args:
            trainer: see `restore`.
            history: its rows, one a step.

        Raises:
            TrainingError: the folder cannot be written, or has no room; the state before is kept.
        """
        frame = pd.DataFrame(history, columns=self.columns)
        variables = [*trainer.variables, *trainer.optimizer.variables]
        size = sum(4 * math.prod(each.shape) + _BYTES_OF_A_VARIABLE for each in variables)

        def write_weights(path):
            # HDF5 does not get over a full disk: it raises errors of its own, or ends the process. So ask for the room.
            path.write_bytes(bytes(size))
            trainer.save_weights(path)

        self._write(_HISTORY, lambda path: frame.to_csv(path, index=False))
        self._write(_WEIGHTS, write_weights)

    def _load(self, trainer: keras.Model) -> list[dict[str, float]]:
        try:
            trainer.load_weights(self.folder / _WEIGHTS)
            # As text: pandas' own conversion of floats is not exact in every version.
            history = pd.read_csv(self.folder / _HISTORY, dtype=str).astype(float)
            history = history[self.columns].astype({self.columns[0]: int})
            done = int(trainer.optimizer.iterations)
            if history[self.columns[0]].tolist()[:done] != list(range(1, done + 1)):
                raise ValueError(f"the history does not hold the steps 1 to {done}")
        except Exception as error:  # h5py's, Keras' and pandas' own
            raise TrainingError(f"checkpoint: {self.folder} is damaged ({error})") from error
        return history.head(done).to_dict("records")

    def _found_settings(self) -> dict[str, Any]:
        """Those in the folder, which must be of the same run."""
        try:
            found = dict(json.loads((self.folder / _SETTINGS).read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise TrainingError(f"checkpoint: {self.folder} is damaged ({error})") from error
        differing = sorted(
            name
            for name in found | self.settings
            if name != _EXTENSIONS and found.get(name) != self.settings.get(name)
        )
        if differing and not (differing == [self.growing] and self._has_grown(found)):
            raise TrainingError(
                f"checkpoint: {self.folder} holds a run that differs in {', '.join(differing)}; "
                "use another folder, or remove this one to start anew"
            )
        return found

    def _has_grown(self, found: Mapping[str, Any]) -> bool:
        before = found.get(self.growing)
        return is_whole(before) and before < self.settings[self.growing]

    def _keep_extensions(self, found: Mapping[str, Any], done: int) -> None:
        """A run made longer is not the run that was so long from the start: what it was stays in the folder."""
        extensions = found.get(_EXTENSIONS, [])
        if self.growing is not None and self._has_grown(found):
            extensions = [*extensions, {"at": done, self.growing: found[self.growing]}]
        if extensions:
            self.settings[_EXTENSIONS] = extensions

    def _write_settings(self) -> None:
        self._write(_SETTINGS, lambda path: path.write_text(json.dumps(self.settings)))

    def _write(self, name: str, write: Callable[[Path], Any]) -> None:
        try:
            with tempfile.TemporaryDirectory(dir=self.folder, prefix=_TEMPORARY) as temporary:
                path = Path(temporary) / name
                write(path)
                path.replace(self.folder / name)
        except OSError as error:
            raise self._cannot_write(error) from error

    def _cannot_write(self, error: OSError) -> TrainingError:
        return TrainingError(f"checkpoint: {self.folder} cannot be written ({error})")
