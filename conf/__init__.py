"""What may be chosen: one folder a group, one YAML file a row."""
