"""Addresses of contract 001: endpoints, transform jobs, uploads."""

__all__: list[str] = []
