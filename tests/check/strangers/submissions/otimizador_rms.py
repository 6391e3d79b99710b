import numpy as np


def atualiza_rmsprop(parametros, gradientes, media_quad, taxa=0.01, decaimento=0.9, eps=1e-8):
    """Atualiza os parâmetros (lista de arrays) com RMSProp."""
    novos, novas_medias = [], []
    for p, g, mq in zip(parametros, gradientes, media_quad):
        mq = (1 - decaimento) * mq + decaimento * g ** 2
        p = p - taxa * g / (np.sqrt(mq) + eps)
        novos.append(p)
        novas_medias.append(mq)
    return novos, novas_medias
