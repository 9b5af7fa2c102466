"""What a forecast would be if its features were others: what is asked, of which series, and what is answered.

Nothing is stored, and no event is sent: a question is a read. Others use `asked`, `asking`, `questions`, `state`,
`telling`.
"""

__all__: list[str] = []
