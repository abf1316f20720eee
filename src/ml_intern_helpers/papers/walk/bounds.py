"""How far a walk goes: what is taken where nothing is said, and the most that may be asked for."""

from __future__ import annotations

HOPS, ANSWERS, PAPERS = 2, 12, 200
#: The paper itself, who cites it, whom it cites, recommendations: the first four answers of every walk.
FEWEST_ANSWERS = 4
MOST_HOPS, MOST_ANSWERS, MOST_PAPERS = 3, 200, 1000
