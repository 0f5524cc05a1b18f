"""Turns maps into the compact road graphs that `chalicelib.adapters.road_graph` answers from."""
