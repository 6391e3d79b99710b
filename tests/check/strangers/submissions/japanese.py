# 最適化手法（自作）
import numpy as np


class 自作AdaGrad:
    def __init__(self, 学習係数=0.1):
        self.学習係数 = 学習係数
        self.履歴 = None

    def 更新する(self, 重み, 勾配):
        if self.履歴 is None:
            self.履歴 = np.zeros_like(重み)
        self.履歴 += 勾配 * 勾配
        重み -= self.学習係数 * 勾配 / (self.履歴 + 1e-7)
        return 重み
