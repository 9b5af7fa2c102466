"""CSV files as people write them: how text, cells and numbers are read, and what is told of doubts.

Others use `columns`, `date_warnings`, `dialect`, `inspection`, `number_format`, `piece_numbers`, `pieces`, `preview`,
`text`.
"""

__all__: list[str] = []
