"""From light to a file: uneven illumination, blur, noise, compression, a scale bar."""

from __future__ import annotations

import numpy as np
from pydantic import Field
from scipy.fft import dctn, idctn
from scipy.ndimage import gaussian_filter

from ..core.options import Options
from .cell_material import Floats, smooth_noise

_BLOCK = 8  # px a side of what JPEG compresses together


class Camera(Options):
    """How the light of a field, shape (Y, X), becomes grey values; contrasts are of that light.

    Attributes
    ----------
    uneven : float
        Smooth variation of the illumination, as a share of it.
    vignette : float
        Loss of light in the corners, as a share.
    gradient : float
        Height of an added linear background, relative to the contrast.
    haze : float
        Share of out-of-focus light, spread over `haze_px`.
    haze_px : float
        Its scale in px.
    blur : float
        Standard deviation of the blur in px.
    photons : float
        Mean photon count at full brightness: fewer are noisier. 0 for no shot noise.
    read_noise : float
        Standard deviation of the camera's noise, relative to the contrast.
    grain : float
        Correlation length in px of that noise, 0 for none.
    saturation : float
        Share of the pixels that are saturated.
    compression : float
        Step of the quantization of JPEG, relative to the contrast; 0 for none.
    bar : bool
        Whether a scale bar is burnt into a corner.
    """

    uneven: float = Field(0.0, ge=0, le=1)
    vignette: float = Field(0.0, ge=0, le=1)
    gradient: float = Field(0.0, ge=0, le=5)
    haze: float = Field(0.0, ge=0, le=5)
    haze_px: float = Field(20.0, gt=0, le=500)
    blur: float = Field(0.7, ge=0, le=10)
    photons: float = Field(200.0, ge=0, le=1e6)
    read_noise: float = Field(0.02, ge=0, le=5)
    grain: float = Field(0.0, ge=0, le=5)
    saturation: float = Field(0.0, ge=0, le=0.5)
    compression: float = Field(0.0, ge=0, le=1)
    bar: bool = False

    def take(self, light: Floats, rng: np.random.Generator) -> Floats:
        """Return an image of about 0 to 1."""
        shape = light.shape
        if self.haze:
            away = gaussian_filter(light[::4, ::4], self.haze_px / 4)
            away = away.repeat(4, 0).repeat(4, 1)[: shape[0], : shape[1]]
            light = light + self.haze * away
        light = gaussian_filter(light, self.blur) if self.blur else light
        low, high = np.percentile(light, (0.5, 99.8 - 100 * self.saturation))
        contrast = max(float(high - low), 1e-6)
        image = light * self._illumination(shape, rng) + contrast * self._gradient(shape, rng)
        dark = 0.0 if low < contrast else float(np.percentile(image, 0.5)) - 0.1 * contrast
        image = (image - dark) / (float(high) - dark if high > dark else contrast)
        image = self._noisy(np.asarray(image, np.float32), rng)
        if self.saturation:
            image = np.minimum(image, 1.0)
        if self.compression:
            image = compressed(image, self.compression)
        if self.bar:
            _burn_bar(image, rng)
        return np.asarray(image, np.float32)

    def _illumination(self, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
        y, x = np.ogrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
        dy, dx = rng.normal(0, 0.25, 2)
        field = 1 - self.vignette * np.clip(((y - dy) ** 2 + (x - dx) ** 2) / 2, 0, 1.2)
        if self.uneven:
            field = field * (1 + self.uneven * 0.5 * smooth_noise(shape, max(shape) / 3, rng))
        return np.asarray(np.maximum(field, 0.05), np.float32)

    def _gradient(self, shape: tuple[int, ...], rng: np.random.Generator) -> Floats | float:
        if not self.gradient:
            return 0.0
        y, x = np.ogrid[0 : 1 : shape[0] * 1j, 0 : 1 : shape[1] * 1j]
        turn = rng.uniform(0, 2 * np.pi)
        slope = np.sin(turn) * y + np.cos(turn) * x
        return np.asarray(self.gradient * (slope - slope.min()), np.float32)

    def _noisy(self, image: Floats, rng: np.random.Generator) -> Floats:
        if self.photons:
            noise = rng.standard_normal(image.shape, np.float32)
            image = image + noise * np.sqrt(np.maximum(image, 0) / self.photons)
        if self.read_noise:
            noise = rng.standard_normal(image.shape, np.float32)
            if self.grain:
                noise = gaussian_filter(noise, self.grain)
                noise /= max(float(noise.std()), 1e-6)
            image = image + self.read_noise * noise
        return image


def compressed(image: Floats, step: float) -> Floats:
    """Return an image after the quantization of JPEG, coarser for high frequencies."""
    height, width = (n // _BLOCK * _BLOCK for n in image.shape)
    blocks = image[:height, :width].reshape(height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK)
    waves = dctn(blocks, axes=(1, 3), norm="ortho")
    order = np.arange(_BLOCK)
    steps = step * (1 + order[:, None, None] + order[None, None, :])
    kept = np.rint(waves / steps) * steps
    out = image.copy()
    out[:height, :width] = idctn(kept, axes=(1, 3), norm="ortho").reshape(height, width)
    return np.asarray(out, np.float32)


def _burn_bar(image: Floats, rng: np.random.Generator) -> None:
    """Draw a scale bar into a corner."""
    height, width = image.shape
    long, thick = int(rng.uniform(0.12, 0.35) * width), int(rng.integers(2, 6))
    y, x = int(rng.uniform(0.86, 0.95) * height), int(rng.uniform(0.03, 0.1) * width)
    x = x if rng.random() < 0.5 else width - x - long
    value = float(rng.choice([image.min(), max(1.0, float(image.max()))]))
    image[y : y + thick, max(x, 0) : x + long] = value
