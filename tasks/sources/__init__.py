"""Where sales come from: the embedded data set, files, SQL."""
