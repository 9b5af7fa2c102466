"""Points of metrics out of what trainers write anyway: event files of TensorBoard, `.wandb` files, lines of logs.

Pure readers: they know no Kafka and no service, never wait, and may be asked again where a file grows.

Others use `log_lines`, `readers`, `source_points`, `tensorboard`, `text_lines`, `user_patterns`, `wandb_files`,
`wandb_rows`.
"""

__all__: list[str] = []
