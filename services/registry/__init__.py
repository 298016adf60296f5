"""The register of social media accounts: those the department sanctions, and those outside the policy."""
