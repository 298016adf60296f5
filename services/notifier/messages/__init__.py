"""What messages say: one place for every text that leaves by mail or GOV.UK Notify."""
