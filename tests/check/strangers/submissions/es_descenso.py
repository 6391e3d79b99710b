import numpy as np


def actualizar_parametros(parametros, gradientes, tasa_de_aprendizaje=0.1):
    """Descenso del gradiente para una red de L capas."""
    L = len(parametros) // 2
    for l in range(1, L + 1):
        parametros["W" + str(l)] = parametros["W" + str(l)] - tasa_de_aprendizaje * gradientes["dW" + str(l)]
        parametros["b" + str(l)] = parametros["b" + str(l)] - tasa_de_aprendizaje * gradientes["db" + str(l)]
    return parametros
