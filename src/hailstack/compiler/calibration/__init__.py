"""The pictures that show a network what it will see."""
