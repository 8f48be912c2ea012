"""Response: how demand answers prices and promotions, own and cross."""
