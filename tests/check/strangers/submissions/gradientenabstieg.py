import numpy as np


def schritt_mit_traegheit(gewichte, ableitung, geschwindigkeit, lernrate=0.05, traegheit=0.8):
    geschwindigkeit = traegheit * (geschwindigkeit + ableitung)
    gewichte = gewichte - lernrate * geschwindigkeit
    return gewichte, geschwindigkeit
