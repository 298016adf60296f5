"""The page of one account: what the register holds, its operators' gates, reviews, requests, and its history."""
