# Tarea 3 - Redes neuronales
# Alumno: M. Fuentes
import numpy as np


def inicializar_velocidad(parametros):
    velocidad = {}
    for clave in parametros:
        velocidad[clave] = np.zeros_like(parametros[clave])
    return velocidad


def actualizar_con_momento(parametros, gradientes, velocidad, tasa_aprendizaje=0.01, beta=0.9):
    """
    Actualiza los parámetros de la red usando descenso de gradiente con momento
    """
    n_capas = len(parametros) // 2
    for capa in range(1, n_capas + 1):
        velocidad[f"W{capa}"] = beta * velocidad[f"W{capa}"] - tasa_aprendizaje * gradientes[f"dW{capa}"]
        velocidad[f"b{capa}"] = beta * velocidad[f"b{capa}"] - tasa_aprendizaje * gradientes[f"db{capa}"]
        parametros[f"W{capa}"] = parametros[f"W{capa}"] + velocidad[f"W{capa}"]
        parametros[f"b{capa}"] = parametros[f"b{capa}"] + velocidad[f"b{capa}"]
    return parametros, velocidad


if __name__ == '__main__':
    parametros = {"W1": np.random.randn(3, 2), "b1": np.zeros((3, 1)), "W2": np.random.randn(1, 3), "b2": np.zeros((1, 1))}
    velocidad = inicializar_velocidad(parametros)
    gradientes = {"d" + c: np.random.randn(*p.shape) for c, p in parametros.items()}
    parametros, velocidad = actualizar_con_momento(parametros, gradientes, velocidad)
    print(parametros)
