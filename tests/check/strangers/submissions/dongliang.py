# -*- coding: utf-8 -*-
# 动量法：手写实现
import numpy as np


class 动量法:
    def __init__(self, 学习率=0.01, 动量=0.9):
        self.学习率 = 学习率
        self.动量 = 动量
        self.速度 = {}

    def 更新(self, 参数, 梯度):
        for 键 in 参数:
            if 键 not in self.速度:
                self.速度[键] = np.zeros_like(参数[键])
            # 先更新速度，再更新参数
            self.速度[键] = self.动量 * self.速度[键] + self.学习率 * 梯度[键]
            参数[键] = 参数[键] - self.速度[键]
        return 参数
