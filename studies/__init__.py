"""Studies that ship with the tool: one TOML file each."""
