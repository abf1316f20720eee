"""What the libraries' releases are like: tables only, each row executed against the real libraries by the tests."""
