"""The dashboard at `/`: one page and its modules, served as they lie in `static/`. It is a client of the public API.

Others use nothing: the system's declaration names `pages`. `static/README.md` tells how a page is added.
"""

__all__: list[str] = []
