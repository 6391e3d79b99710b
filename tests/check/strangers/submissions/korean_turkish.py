# 옵티마이저 / eniyileyici
import numpy as np


class RMSprop경사하강:
    def __init__(self, 학습률=0.001, 감쇠=0.9, eps=1e-8):
        self.학습률, self.감쇠, self.eps = 학습률, 감쇠, eps
        self.이동평균 = 0

    def 갱신(self, 가중치, 기울기):
        self.이동평균 = self.감쇠 * self.이동평균 + (1 - self.감쇠) * np.square(기울기)
        return 가중치 - self.학습률 * 기울기 / (np.sqrt(self.이동평균) + self.eps)
