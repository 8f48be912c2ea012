"""The colours and the words of models in figures, the same everywhere.

The colours are those of Okabe and Ito (2008, https://jfly.uni-koeln.de/color/): people who see colours
differently tell them apart. What passes or fails has a sign and a word as well, so that grey paper tells it.
"""

from __future__ import annotations

BLACK, DARK, GREY, PALE = "#000000", "#555555", "#999999", "#d9d9d9"
ORANGE, SKY, GREEN, BLUE = "#e69f00", "#56b4e9", "#009e73", "#0072b2"
VERMILION, PURPLE = "#d55e00", "#cc79a7"

MODELS = {
    "seasonal_naive": GREY,
    "ets": DARK,
    "arima": BLUE,
    "lstm": ORANGE,
    "blend": GREEN,
    "dqn": GREEN,
    "myopic": SKY,
    "cost_plus": PURPLE,
    "hold": DARK,
    "random": GREY,
}
"""Colour of a forecast or of a policy: green is what the retraining offers."""
LINES = {
    "seasonal_naive": (0, (1, 1)),
    "ets": (0, (4, 1.5)),
    "arima": (0, (5, 1, 1, 1)),
    "lstm": (0, (2, 1)),
    "blend": "solid",
}
"""Style of a forecast's line, so that lines differ in grey too."""
WORDS = {
    "seasonal_naive": "repeating the past (seasonal naive)",
    "ets": "exponential smoothing (ETS)",
    "arima": "ARIMA",
    "lstm": "LSTM",
    "blend": "blend of ARIMA and LSTM",
    "dqn": "this policy (DQN)",
    "myopic": "best list of each week",
    "cost_plus": "cost plus a markup",
    "hold": "prices in force held",
    "random": "random prices",
}
"""What a forecast or a policy is called in a figure."""
PASSES, FAILS, UNTESTED = GREEN, VERMILION, GREY
