"""What a forecast would be if its features were others, and what these add to it.

Nothing is stored, and no event is sent: a question is a read. Others use `asked`, `asking`, `explaining`, `gathered`,
`questions`, `state`, `telling`.
"""

__all__: list[str] = []
