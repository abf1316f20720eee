"""Network access: one client with retries, pacing, redirects and caching, and the services that it may reach."""
