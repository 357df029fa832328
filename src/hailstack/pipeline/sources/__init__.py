"""What the user names → what is read, in an order that never changes.

::

    SOURCE = NAME [ "#" OPTION { "," OPTION } ]        OPTION = key [ "=" value ]

==============================  ==================================================================================
``photo.jpg``                   one picture
``clip.mp4``                    one video; any file without a picture's ending is taken for one
``folder``                      all pictures and videos directly inside, by name
``photos/*.jpg``                what the shell would find (``**`` descends), by path; for shells that do not
``@list.txt``                   the sources in a text file, one a line, paths relative to that file; ``#`` begins a
                                comment line
``-``                           standard input: any container or codec that FFmpeg recognises, MJPEG, raw pixels
``http://…``, ``https://…``     a picture or video on a server
``rtsp://…``, ``rtsps://…``     a network camera
``camera:0``, ``camera:/dev/…`` a camera of this machine (Video4Linux)
``picamera:0``                  a camera of a Raspberry Pi (picamera2)
``lavfi:testsrc``               a picture generator of FFmpeg at its own speed, where there is no camera
==============================  ==================================================================================

A file or folder that exists under the whole name, or under the part before the last ``#``, is always that file.
Servers never see what follows a ``#``, so their own ``?key=value`` stays theirs. No character of an option means
anything to a shell. Options (:class:`Options` says more):

==========================  ========================================================================================
``fps=10``                  leave out frames above this rate; cameras are also asked for it
``stride=5``                every fifth frame; of several pictures, every fifth
``size=1280x720``           pictures in this size; cameras are asked for it
``start=10``, ``end=1:30``  this part of a recording, in seconds or h:m:s from its first frame
``loop``, ``loop=3``        a recording again and again, or so many times
``realtime``                a recording no faster than it was taken
``live``                    standard input or a server's address is a camera's
``policy=``                 ``block``, ``drop_oldest`` or ``latest``: what happens when frames come faster than they go
``weight=3``                turns of the network, beside 1 of others; a recording is then read beside others
``timeout=10``              seconds of silence after which a server or network camera is given up
``reconnect=60``            seconds for which a lost camera is tried again; ``inf``: for ever, ``0``: not at all
``transport=udp``           how a network camera sends (``tcp`` otherwise)
``format=mjpeg``            what standard input or a camera sends, where it cannot be recognised
``pixels=rgb24``            order of the bytes with ``format=rawvideo`` (which needs ``size``, too)
==========================  ========================================================================================

Recordings are read one after the other, in the order of their names; cameras, and recordings with ``realtime`` or a
``weight``, all at the same time, each in a thread of its own, in turns.
"""

from hailstack.pipeline.sources.find import find_sources
from hailstack.pipeline.sources.options import Options, Policy
from hailstack.pipeline.sources.source import Source, SourceKind

__all__ = ["Options", "Policy", "Source", "SourceKind", "find_sources"]
