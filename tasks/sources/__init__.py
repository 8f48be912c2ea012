"""Where sales come from: the embedded data set, files, SQL; and what of them is accepted."""
