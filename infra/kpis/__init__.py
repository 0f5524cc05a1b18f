"""A merchant's figures as a picture: how well promises were kept, day by day."""
