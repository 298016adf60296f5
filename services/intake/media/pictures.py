"""Pictures, by Pillow: cleaned copies and previews. Runs in the child process alone."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any, BinaryIO

import pillow_heif
from PIL import (
    AvifImagePlugin,
    GifImagePlugin,
    Image,
    ImageCms,
    ImageFilter,
    ImageOps,
    ImageSequence,
    MpoImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from services.intake.media.child import Ending, Job, Look, Refused

MOST_PIXELS = 64_000_000
"""A phone's picture has 12 to 50 million. Each takes 4 bytes, and twice that while it is turned."""
MOST_PIXELS_OF_FRAMES = 128_000_000
LONGEST_SIDE = 1280
"""Of a preview, in pixels."""
BLURRED_SIDE = 48
"""The pixels that a blurred preview is made of: it shows a person or a page, and neither a face nor a word."""

_FORMATS = {
    "image/jpeg": ("JPEG", "MPO"),
    "image/png": ("PNG",),
    "image/gif": ("GIF",),
    "image/webp": ("WEBP",),
    "image/avif": ("AVIF",),
    "image/heic": ("HEIF",),
    "image/bmp": ("BMP", "DIB"),
    "image/tiff": ("TIFF",),
}
"""A file is read as what it was recognised as, and by no other code."""
_WRITTEN_AS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "image/jpeg": ("JPEG", {"quality": 92}),
    "image/heic": ("JPEG", {"quality": 92}),
    "image/avif": ("JPEG", {"quality": 92}),
    "image/png": ("PNG", {}),
    "image/bmp": ("PNG", {}),
    "image/gif": ("GIF", {}),
    "image/webp": ("WEBP", {"quality": 90, "method": 2}),
    "image/tiff": ("TIFF", {"compression": "tiff_deflate"}),
}
_IN_FRAMES = frozenset({"image/gif", "image/png", "image/webp", "image/tiff"})
_KEPT = ("transparency", "background")
"""What a picture's `info` may say of how it is shown. All else in it is about who made it, where and with what."""
_CLEARED = {"GIF": {"disposal": 2}, "PNG": {"disposal": 1, "blend": 0}}
"""Each frame is written whole, and nothing is left of it under the next."""

Image.MAX_IMAGE_PIXELS = None  # size is checked here, before a pixel is decoded
Image.preinit()
pillow_heif.options.DECODE_THREADS = 1
pillow_heif.register_heif_opener(thumbnails=False)
AvifImagePlugin.DEFAULT_MAX_THREADS = 1
GifImagePlugin.LOADING_STRATEGY = GifImagePlugin.LoadingStrategy.RGB_AFTER_DIFFERENT_PALETTE_ONLY
LOADED = (MpoImagePlugin, TiffImagePlugin, WebPImagePlugin)
"""They register themselves when they are imported; later no file can be opened."""


def clean(job: Job) -> None:
    """Write the picture again, turned as its camera said, with its frames, and with nothing beside them."""
    picture = _opened(job)
    written_as, options = _WRITTEN_AS[job.media_type]
    frames = getattr(picture, "n_frames", 1) if job.media_type in _IN_FRAMES else 1
    if picture.width * picture.height * frames > (MOST_PIXELS if frames == 1 else MOST_PIXELS_OF_FRAMES):
        raise Refused(Ending.TOO_LARGE)
    if frames == 1:
        bare = _bare(picture)
        (_flat(bare) if written_as == "JPEG" else bare).save(job.output, written_as, **options)
    else:
        _save_frames(picture, job.output, written_as, options)


def preview(job: Job) -> None:
    """Write the picture as a small JPEG."""
    picture = _opened(job)
    picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
    if picture.width * picture.height > MOST_PIXELS:
        raise Refused(Ending.TOO_LARGE)
    show(_bare(picture), job.output, job.look)


def show(picture: Image.Image, output: BinaryIO, look: Look) -> None:
    """Write a picture as a preview looks: no larger than a page, blurred and grey unless it was asked for otherwise."""
    shown = _flat(picture)
    shown.thumbnail((LONGEST_SIDE, LONGEST_SIDE), reducing_gap=2)
    if not look.sharp:
        shown = _blurred(shown)
    if not look.colour:
        shown = ImageOps.grayscale(shown)
    shown.save(output, "JPEG", quality=85)


def _blurred(picture: Image.Image) -> Image.Image:
    """Return a picture of which no more than a few pixels are left, smoothed: nothing can be made sharp again."""
    few = picture.copy()
    few.thumbnail((BLURRED_SIDE, BLURRED_SIDE))
    return few.filter(ImageFilter.GaussianBlur(0.5)).resize(picture.size, Image.Resampling.BICUBIC)


def _opened(job: Job) -> Image.Image:
    if job.media_type == "image/webp" and _webp_pixels(job.source.read(30)) > MOST_PIXELS:
        raise Refused(Ending.TOO_LARGE)
    job.source.seek(0)
    return Image.open(job.source, formats=_FORMATS[job.media_type])


def _webp_pixels(head: bytes) -> int:
    """Return how large a WebP says it is (RFC 9649): opening one takes memory for all of it, before Pillow knows."""
    if head[12:16] == b"VP8X":
        return (int.from_bytes(head[24:27], "little") + 1) * (int.from_bytes(head[27:30], "little") + 1)
    if head[12:16] == b"VP8L":
        sides = int.from_bytes(head[21:25], "little")
        return ((sides & 0x3FFF) + 1) * ((sides >> 14 & 0x3FFF) + 1)
    return (int.from_bytes(head[26:28], "little") & 0x3FFF) * (int.from_bytes(head[28:30], "little") & 0x3FFF)


def _bare(picture: Image.Image) -> Image.Image:
    """Return the pixels of a picture, upright and in the usual colours, without what was written beside them."""
    bare = _in_srgb(ImageOps.exif_transpose(picture))
    bare.info = {key: bare.info[key] for key in _KEPT if key in bare.info}
    return bare


def _in_srgb(picture: Image.Image) -> Image.Image:
    """Return a picture without its colour profile, which can name a device: its colours are counted over."""
    profile = picture.info.get("icc_profile")
    if not profile or picture.mode not in {"RGB", "RGBA", "CMYK"}:
        return picture
    mode = "RGBA" if picture.mode == "RGBA" else "RGB"
    try:
        given = ImageCms.ImageCmsProfile(BytesIO(profile))
        return ImageCms.profileToProfile(picture, given, ImageCms.createProfile("sRGB"), outputMode=mode) or picture
    except (ImageCms.PyCMSError, OSError):
        return picture


def _flat(picture: Image.Image) -> Image.Image:
    """Return a picture in colours or greys alone, on white where it was transparent."""
    if picture.mode in {"L", "RGB"}:
        return picture
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    page = Image.new("RGB", picture.size, "white")
    seen = picture.convert("RGBA")
    page.paste(seen, mask=seen)
    return page


def _save_frames(picture: Image.Image, output: BinaryIO, written_as: str, options: Mapping[str, Any]) -> None:
    moves = _movement(picture) if written_as != "TIFF" else {}
    frames = (_bare(frame) for frame in ImageSequence.Iterator(picture))
    first, others = next(frames), [*frames] if written_as == "PNG" else frames  # for a PNG, they are read twice
    moves |= _CLEARED.get(written_as, {})
    first.save(output, written_as, save_all=True, append_images=others, **options, **moves)


def _movement(picture: Image.Image) -> dict[str, Any]:
    """Return for how long each frame is seen, and how often all of them."""
    seen = []
    for frame in ImageSequence.Iterator(picture):
        frame.load()  # some formats know only then
        seen.append(frame.info.get("duration", 0))
    return {"duration": seen} | ({"loop": picture.info["loop"]} if "loop" in picture.info else {})
