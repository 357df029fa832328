"""Host frames, device frames, and what the host does between them: formats, transforms, post-processing."""
