"""Users, keys and projects as commands make them. Others use `attach` of `commands`."""
