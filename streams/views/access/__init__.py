"""Addresses of access control: tokens, sessions of browsers, users, keys and projects. Others use nothing."""

__all__: list[str] = []
