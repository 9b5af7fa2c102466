"""`tidecast data …`."""
