"""Stand-ins: real HTTP applications in the place of foreign systems, knowing nothing of ours."""
