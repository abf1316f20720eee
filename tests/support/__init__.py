"""What several test modules use: a loopback service, a runner for helpers, the shared recordings."""
