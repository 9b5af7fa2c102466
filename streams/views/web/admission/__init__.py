"""Who is let in: whoever shows who asks, or another state worker, and how often; what is told of that.

Others use `auditing`, `authentication`, `cors`, `hops`, `password_tries` and `rates`.
"""

__all__: list[str] = []
