"""The dashboard: pages for people, which read and write by the public API alone. Needs the systems that it shows."""

from streams.systems.declaration import System

__all__ = ["DASHBOARD"]

DASHBOARD = System(name="dashboard", views=("streams.views.dashboard.pages",))
