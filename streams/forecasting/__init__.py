"""Forecasting jobs (contract 000): rules as pure functions, rows, tables and stores. No HTTP, no agent."""

__all__: list[str] = []
