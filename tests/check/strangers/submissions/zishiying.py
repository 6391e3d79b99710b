# -*- coding: utf-8 -*-
"""自适应学习率算法 AdaGrad"""
import numpy as np


def adagrad(canshu, tidu, leiji, xuexilv=0.1, xiaoshu=1e-8):
    """
    canshu: 参数
    tidu: 梯度
    leiji: 累计梯度平方和
    """
    leiji = leiji + tidu
    bu = xuexilv / (np.sqrt(leiji) + xiaoshu) * tidu
    canshu = canshu - bu
    return canshu, leiji
