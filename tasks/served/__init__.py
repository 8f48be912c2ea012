"""The registered models as MLflow loads them."""
