"""Audio and video, by FFmpeg's libraries: cleaned copies and previews. Runs in the child process alone."""

import math
from array import array
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

import av
import av.subtitles.stream
from av.audio.resampler import AudioResampler
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer
from PIL import Image, ImageDraw

from services.intake.media import pictures, streams
from services.intake.media.child import Ending, Job, Look, Refused

_READ_AS = {
    "audio/mpeg": "mp3",
    "audio/mp4": "mov",
    "audio/aac": "aac",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "audio/flac": "flac",
    "audio/amr": "amr",
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "video/3gpp": "mov",
    "video/webm": "matroska",
    "video/x-matroska": "matroska",
    "video/ogg": "ogg",
    "video/x-msvideo": "avi",
}
"""A file is read as what it was recognised as: no playlist that names other files is ever followed."""
_WRITTEN_AS = _READ_AS | {
    "audio/mp4": "ipod",
    "audio/aac": "adts",
    "video/mp4": "mp4",
    "video/3gpp": "3gp",
    "video/webm": "webm",
}
_SKIPPED: Literal["skip_samples"] = "skip_samples"
"""Beside a packet: how much of its sound is not to be heard, in numbers."""
_LOADED = (av.subtitles.stream,)
"""The library asks for it when it meets subtitles, and no file can be opened by then."""

_RATE = 8000
"""Samples a second are enough to draw."""
_MOST_SECONDS = 15 * 60
"""Of sound that is drawn."""
_WIDTH, _HEIGHT, _MARGIN = 960, 240, 24
_FRAMES_BEFORE_POSTER = 24
"""Videos often begin black."""


def clean(job: Job) -> None:
    """Write sound and pictures as they are into a new file, without tags, covers, chapters, places and notes."""
    written_as, options = _WRITTEN_AS[job.media_type], _options(job.media_type)
    with _opened(job) as opened, av.open(job.output, "w", format=written_as, options=options) as made:
        _copy(opened, made)


def _options(media_type: str) -> dict[str, str]:
    """Return how a file is written without the library's own name, version and tags."""
    return {"fflags": "+bitexact"} | ({"id3v2_version": "0"} if media_type == "audio/mpeg" else {})


def preview(job: Job) -> None:
    """Write a picture of a video, or the waveform of sound, as a small JPEG."""
    with _opened(job) as opened:
        video = next((stream for stream in opened.streams.video if not _is_cover(stream)), None)
        if video:
            pictures.show(_poster(opened, video), job.output, job.look)
        elif opened.streams.audio:
            pictures.show(_waveform(opened), job.output, Look(sharp=True, colour=True))
        else:
            raise Refused(Ending.DAMAGED)


def _opened(job: Job) -> InputContainer:
    av.logging.set_level(av.logging.PANIC)
    return av.open(job.source, "r", format=_READ_AS[job.media_type], metadata_errors="ignore")


def _is_cover(stream: av.VideoStream) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


@dataclass
class _Copy:
    """A stream of the new file."""

    stream: av.VideoStream | av.AudioStream
    codec: str
    filtered: BitStreamFilterContext | None
    last: int | None = None
    """When its last packet is decoded."""

    def add(self, packet: "av.Packet[Any]", made: OutputContainer) -> None:
        """Write a packet; Matroska does not say of each when it is to be decoded, only when it is shown."""
        for packed in self.filtered.filter(packet) if self.filtered else (packet,):
            one = self._plain(packed)
            times = [time for time in (one.dts, self.last) if time is not None]
            one.dts = self.last = max(times, default=one.pts)
            one.stream = self.stream
            made.mux(one)

    def _plain(self, packet: "av.Packet[Any]") -> "av.Packet[Any]":
        """Return a packet with what is seen or heard alone: some containers keep notes beside it."""
        plain, content = streams.PACKETS.get(self.codec), bytes(packet)
        made = av.Packet(plain(content) if plain else content)
        made.pts, made.dts, made.duration = packet.pts, packet.dts, packet.duration
        made.time_base, made.is_keyframe = packet.time_base, packet.is_keyframe
        if packet.has_sidedata(_SKIPPED):
            made.set_sidedata(packet.get_sidedata(_SKIPPED))
        return made


def _copy(opened: InputContainer, made: OutputContainer) -> None:
    videos = (video for video in opened.streams.video if not _is_cover(video))
    kept: list[av.VideoStream | av.AudioStream] = [*videos, *opened.streams.audio]
    if not kept:
        raise Refused(Ending.DAMAGED)
    copies = {stream.index: _copy_of(stream, made) for stream in kept}
    for packet in opened.demux(kept):
        if packet.size:  # the last of a stream is empty
            copies[packet.stream.index].add(packet, made)


def _copy_of(stream: av.VideoStream | av.AudioStream, made: OutputContainer) -> _Copy:
    codec = stream.codec_context.codec.canonical_name
    if not streams.copies(codec):
        raise Refused(Ending.NOTES)
    copy = made.add_stream_from_template(stream, opaque=True)
    try:
        copy.codec_context.extradata = streams.configuration(codec, stream.codec_context.extradata)
    except (ValueError, IndexError):
        raise Refused(Ending.NOTES) from None
    filtered = streams.FILTERS.get(codec)
    return _Copy(copy, codec, BitStreamFilterContext(filtered, stream) if filtered else None)


def _poster(opened: InputContainer, video: av.VideoStream) -> Image.Image:
    """Return one of the first pictures of a video, upright."""
    video.codec_context.thread_count = 1
    if video.width * video.height > pictures.MOST_PIXELS:
        raise Refused(Ending.TOO_LARGE)
    last = deque(islice(opened.decode(video), _FRAMES_BEFORE_POSTER), maxlen=1)
    if not last:
        raise Refused(Ending.DAMAGED)
    poster: Image.Image = last[0].to_image()  # type: ignore[no-untyped-call]  # the library's types leave it out
    return poster.rotate(last[0].rotation, expand=True)


def _waveform(opened: InputContainer) -> Image.Image:
    """Return sound as people know it drawn: time from left to right, with how long it is."""
    peaks = list(_peaks(opened))
    if not peaks:
        raise Refused(Ending.DAMAGED)
    drawn = Image.new("RGB", (_WIDTH, _HEIGHT), "white")
    draw = ImageDraw.Draw(drawn)
    wide = _WIDTH - 2 * _MARGIN
    for column in range(wide):
        part = peaks[
            column * len(peaks) // wide : max((column + 1) * len(peaks) // wide, column * len(peaks) // wide + 1)
        ]
        tall = max(1, round(max(part) / 32768 * (_HEIGHT / 2 - _MARGIN)))
        draw.line([(_MARGIN + column, _HEIGHT // 2 - tall), (_MARGIN + column, _HEIGHT // 2 + tall)], fill="#1d70b8")
    seconds = math.ceil(len(peaks) / 100)
    draw.text((_MARGIN, 4), f"0:00 – {seconds // 60}:{seconds % 60:02}", fill="#0b0c0c", font_size=14)
    return drawn


def _peaks(opened: InputContainer) -> Iterator[int]:
    """Yield how loud each hundredth of a second is, from 0 to 32768."""
    audio = opened.streams.audio[0]
    audio.codec_context.thread_count = 1
    resampler = AudioResampler("s16", "mono", _RATE)
    each, waiting = _RATE // 100, array("h")
    for count, frame in enumerate(opened.decode(audio)):
        for samples in resampler.resample(frame):
            waiting.frombytes(bytes(samples.planes[0])[: samples.samples * 2])
        while len(waiting) >= each:
            yield _loudness(waiting[:each])
            del waiting[:each]
        if count and frame.time is not None and frame.time > _MOST_SECONDS:
            return
    if waiting:
        yield _loudness(waiting)


def _loudness(samples: "array[int]") -> int:
    loudest, lowest = max(samples), min(samples)
    return max(loudest, -lowest)
