"""A pure vehicle-routing library: routes, their timetables, and where one more stop fits.

It knows nothing of shops, people or clouds.
"""
