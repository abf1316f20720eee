"""The paper researcher: what it may spend, and the form and the evidence of what it hands back."""
