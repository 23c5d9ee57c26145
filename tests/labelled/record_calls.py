"""Record calls of the labelled set anew: ``python tests/labelled/record_calls.py NAME …|all``.

See README.md beside this file. Each call takes about a minute; its facts replace the ones in
``tests/data/calls``.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "journeys"))

from call_recording import main

if __name__ == "__main__":
    main(sys.argv[1:])
