"""What a process is made of stays; the collector need not ask for it again."""

import subprocess
import sys

PROGRAM = """
import gc, weakref
from shared.runtime import keep_what_is_wired

class Node:
    pass

kept, lost = Node(), Node()
lost.itself = lost
was = weakref.ref(lost)
del lost
keep_what_is_wired()
walked = {id(one) for one in gc.get_objects()}
print(was() is None, gc.get_freeze_count() > 10_000, id(kept) in walked, gc.isenabled())
"""


def test_what_is_there_is_not_walked_again_and_what_was_garbage_is_gone() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "False", "True"]
