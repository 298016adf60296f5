"""Who may operate an account: the gates of training, vetting and device, what a lapse does, and dated exceptions."""
