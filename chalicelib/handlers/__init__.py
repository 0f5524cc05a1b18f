"""The doors: HTTP endpoints and event sources, thin; `handlers.endpoints` shows how one is written."""
