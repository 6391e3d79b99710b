# 带动量的随机梯度下降
import numpy as np


class 动量优化器:
    def __init__(self, 学习率=0.05, 动量系数=0.9):
        self.学习率 = 学习率
        self.动量系数 = 动量系数
        self.速度 = None

    def 更新(self, 权重, 梯度):
        if self.速度 is None:
            self.速度 = np.zeros_like(权重)
        self.速度 = self.动量系数 * self.速度 + (1 - self.动量系数) * 梯度
        return 权重 + self.学习率 * self.速度
