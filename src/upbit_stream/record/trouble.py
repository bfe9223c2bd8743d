"""What to tell when the disk says no.

Owns the wording of recording errors: which file, why, and what to do. Knows nothing of who writes.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

from upbit_stream.errors import RecordingError

_ADVICE: Final = {
    errno.ENOSPC: "free some space there, or record to another disk",
    errno.EDQUOT: "free some of your disk quota, or record to another disk",
    errno.EFBIG: "move the file away (or raise `ulimit -f`) and start again",
    errno.EACCES: "choose a directory that you may write to",
    errno.EPERM: "choose a directory that you may write to",
    errno.EROFS: "choose a directory on a file system that can be written",
    errno.ENOTDIR: "choose a path where no file is in the way",
    errno.EEXIST: "choose a path where no file is in the way",
    errno.EISDIR: "move the directory of that name away",
    errno.ELOOP: "a recording is never written through a symbolic link: move it away",
    errno.EMFILE: "raise the limit of open files (`ulimit -n`)",
    errno.ENFILE: "raise the system's limit of open files",
    errno.EIO: "check the disk",
}


def recording_error(doing: str, path: Path, error: OSError) -> RecordingError:
    """The error to raise for ``error``, met while ``doing`` something (``"write"``) with ``path``.

    >>> str(recording_error("write", Path("a.jsonl"), OSError(errno.ENOSPC, "No space left on device")))
    'cannot write a.jsonl: No space left on device; free some space there, or record to another disk'
    """
    code = error.errno or 0
    reason = error.strerror or (os.strerror(code) if code else str(error))
    advice = _ADVICE.get(code, "see what is wrong with that path, then start again")
    return RecordingError(f"cannot {doing} {path}: {reason}; {advice}")
