"""What a person or the clock asks of a version: promote, recommend, explain, experiment, doctor."""
