"""The network: one client with retries, pacing, redirects, caching and the services it may reach."""
