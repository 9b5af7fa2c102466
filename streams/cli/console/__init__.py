"""What all commands share: terminal, errors, help, interrupts, settings, pictures.

Others use `configuration`, `failure`, `file_options`, `help_pages`, `interrupts`, `listing`, `options`, `picture`,
`program`, `standard_input`, `terminal`, `whole_files`.
"""

__all__: list[str] = []
