"""Audio and video, by FFmpeg's libraries: cleaned copies and previews. Runs in the child process alone."""

import math
import re
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import av
import av.subtitles.stream
from av.audio.resampler import AudioResampler
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer
from PIL import Image, ImageDraw

from services.intake.media import pictures
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
_LOADED = (av.subtitles.stream,)
"""The library asks for it when it meets subtitles, and no file can be opened by then."""
_WITHOUT_NOTES = {"h264": "filter_units=remove_types=6", "hevc": "filter_units=remove_types=39-40"}
"""Streams of these carry notes of any text (supplemental enhancement information) between their pictures."""
_USER_DATA = re.compile(rb"\x00\x00\x01\xb2.*?(?=\x00\x00\x01|\Z)", re.DOTALL)
"""Notes in MPEG-4 Visual (ISO/IEC 14496-2, 6.2.1): they end where the next start code begins. No filter knows them."""
_NO_NOTES = frozenset(
    {"vp8", "vp9", "h263", "theora", "aac", "mp3", "opus", "vorbis", "flac", "alac", "ac3", "eac3", "amr_nb", "amr_wb"}
)
"""Streams of these have no room for notes, beside those that raw sound (`pcm_…`) cannot have either.

Others are not copied: their notes would come along.
"""
_HVCC_ARRAYS = 22
"""Where HEVC's configuration says how many arrays of units follow (ISO/IEC 14496-15, 8.3.3.1)."""
_HVCC_NOTES = {39, 40}

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
    without_notes: BitStreamFilterContext | None
    last: int | None = None
    """When its last packet is decoded."""

    def add(self, packet: "av.Packet[Any]", made: OutputContainer) -> None:
        """Write a packet; Matroska does not say of each when it is to be decoded, only when it is shown."""
        for one in self._without_notes(packet):
            times = [time for time in (one.dts, self.last) if time is not None]
            one.dts = self.last = max(times, default=one.pts)
            one.stream = self.stream
            made.mux(one)

    def _without_notes(self, packet: "av.Packet[Any]") -> "Iterable[av.Packet[Any]]":
        if self.without_notes:
            return self.without_notes.filter(packet)
        plain = _PLAIN.get(self.stream.codec_context.codec.canonical_name)
        return (_with(packet, plain(bytes(packet))),) if plain else (packet,)


def _with(packet: "av.Packet[Any]", content: bytes) -> "av.Packet[Any]":
    """Return a packet with other content."""
    made = av.Packet(content)
    made.pts, made.dts, made.duration = packet.pts, packet.dts, packet.duration
    made.time_base, made.is_keyframe = packet.time_base, packet.is_keyframe
    return made


def _plain_visual(content: bytes) -> bytes:
    """Return MPEG-4 Visual without notes."""
    return _USER_DATA.sub(b"", content)


def _plain_jpeg(content: bytes) -> bytes:
    """Return one picture of Motion JPEG, or its two halves, without notes (ITU-T T.81, B.1)."""
    kept, place = bytearray(), 0
    while content[place : place + 1] == b"\xff":
        kind, size = content[place + 1], 2
        if kind == _SCAN:
            end = content.find(b"\xff\xd9", place)
            size = (len(content) if end < 0 else end + 2) - place
        elif kind != _START:
            size += int.from_bytes(content[place + 2 : place + 4])
        if kind not in _NOTES:
            kept += content[place : place + size]
        place = content.find(b"\xff\xd8", place + size) if kind == _SCAN else place + size
        if place < 0:
            break
    return bytes(kept)


_START, _SCAN = 0xD8, 0xDA
_NOTES = frozenset({*range(0xE1, 0xF0), 0xFE})
"""Application segments but JFIF's, and comments."""
_PLAIN: Mapping[str, Callable[[bytes], bytes]] = {"mpeg4": _plain_visual, "mjpeg": _plain_jpeg}


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
    notes = _WITHOUT_NOTES.get(codec)
    if not (notes or codec in _NO_NOTES or codec in _PLAIN or codec.startswith("pcm_")):
        raise Refused(Ending.NOTES)
    copy = made.add_stream_from_template(stream, opaque=True)
    if codec in _CONFIGURED and (configuration := stream.codec_context.extradata):
        copy.codec_context.extradata = _CONFIGURED[codec](configuration)
    return _Copy(copy, BitStreamFilterContext(notes, stream) if notes else None)


def _without_notes(configuration: bytes) -> bytes:
    """Return HEVC's configuration without its arrays of notes; the filter sees only what is between pictures."""
    if configuration[:1] != b"\x01":
        raise Refused(Ending.DAMAGED)
    kept, place = [], _HVCC_ARRAYS + 1
    for _ in range(configuration[_HVCC_ARRAYS]):
        start, units = place, int.from_bytes(configuration[place + 1 : place + 3])
        place += 3
        for _ in range(units):
            place += 2 + int.from_bytes(configuration[place : place + 2])
        if configuration[start] & 0x3F not in _HVCC_NOTES:
            kept.append(configuration[start:place])
    return configuration[:_HVCC_ARRAYS] + bytes((len(kept),)) + b"".join(kept)


_CONFIGURED: Mapping[str, Callable[[bytes], bytes]] = {
    "hevc": _without_notes,
    "mpeg4": _plain_visual,
}
"""What may have notes in its configuration too."""


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
