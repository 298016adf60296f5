"""The register of social media accounts: what the department sanctions, and what is outside the policy."""
