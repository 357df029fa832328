"""From photos to a checked HEF in steps, each done again only where something is new."""
