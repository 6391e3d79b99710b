"""What people call things in files with gradients: functions and arguments, in English, in Chinese, in letters."""

from __future__ import annotations

import re
from functools import cache

# Longest first, so that a word is not read as a part of it.
_CHINESE = {
    "前向传播": "forward", "正向传播": "forward", "前馈": "forward", "前向": "forward", "正向": "forward",
    "反向传播": "backward", "反向": "backward", "后向": "backward", "目标函数": "objective", "损失": "loss",
    "代价": "cost", "成本": "cost", "误差": "error", "数值": "numerical", "梯度": "gradient", "导数": "derivative",
    "求导": "derivative", "检验": "check", "检查": "check", "校验": "check", "下降": "descent", "更新": "update",
    "训练": "train", "初始化": "initialize", "参数": "parameters", "权重": "weights", "偏置": "bias",
    "截距": "bias", "缓存": "cache", "正则化": "regularization", "正则": "regularization", "学习率": "rate",
    "预测": "pred", "真实": "true", "标签": "labels", "目标": "targets", "特征": "features", "样本": "examples",
    "数据": "data", "输入": "inputs", "输出": "output", "激活": "activation", "计算": "compute", "求": "compute",
    "函数": "function", "均方": "mse", "交叉熵": "entropy",
}  # fmt: skip
_CHINESE_WORDS = re.compile("|".join(sorted(_CHINESE, key=len, reverse=True)))

DERIVATIVE = frozenset(
    "grad grads gradient gradients d prime derivative derivatives deriv diff der jac jacobian backward backprop bprop"
    " backpropagation back_prop nabla df dj dl dloss dcost delta slope bwd".split()
)
# Words of functions that do something else with a gradient.
_OTHER = frozenset(
    "check checker checking numerical numeric numeric numerically approx approximate finite descent update updates"
    " train fit optimize optimise optimizer clip plot draw show print test main run load save accuracy score evaluate"
    " eval minimize vector dictionary to from".split()
)
_FORWARD = frozenset("forward feedforward fprop forwardprop fwd hypothesis net network".split())
_COST = frozenset(
    "cost loss j objective error mse sse rmse mae entropy crossentropy bce nll criterion likelihood energy".split()
)
_PLAIN = frozenset(
    "compute calc calculate get my the of and function func fn fun prop propagation pass model full with propagate"
    " evaluate total".split()
)
_INITIAL = frozenset("initialize initialise init initialization initialise initializer create make random".split())
_OF_PARAMETERS = frozenset("parameters params weights theta network net model w with".split())

_INPUTS = frozenset(
    "x xs data inputs input features x_train train_x x_batch batch samples examples images x_data input_data a0 xb xi"
    " train_data train_set_x xx x_input input_x a_prev aprev prev_a layer_input last_input".split()
)
_TARGETS = frozenset(
    "y ys t labels targets target y_true y_train train_y label truth yb y_batch y_data ytrue y_actual actual yi tt"
    " ground_truth gt true_y expected t_true y_target y_label".split()
)
_OUTPUT = frozenset(
    "a al yhat y_hat y_pred ypred pred preds prediction predictions output outputs out probs prob h predicted logits"
    " scores y_out y_ p_hat y_predicted net_output a_out a_last output_activations".split()
)
_CACHE = frozenset("cache caches memory ctx context saved tape cached".split())
_PARAMETERS = frozenset("params parameters theta thetas weights params_ param parameter paras p model".split())
_PENALTY = frozenset(
    "lambd lambda_ lam lmbda lmbd reg reg_lambda lambda_reg l2 l2_reg regularization reg_strength weight_decay alpha_l2"
    " lambda lambdaa mylambda rega λ".split()
)
_KEEP = frozenset("keep_prob keep p_keep keep_probability keepprob keep_rate".split())
_DROP = frozenset("dropout drop_prob p_drop dropout_rate drop drop_rate dropout_p dropout_ratio".split())
_COUNT = frozenset("m n_samples num_examples batch_size n_examples num_samples n_rows".split())
_RATE = frozenset("lr learning_rate eta rate step_size alpha learningrate stepsize".split())
_SIZES = frozenset("layer_dims layers_dims layer_sizes sizes layers dims layer_dimensions architecture shape".split())
_SIZE_IN = frozenset(
    "n_x input_size n_in input_dim n_input n_inputs in_features d_in in_dim nx d dim n_features input_nodes inputs_n"
    " inputnodes input_layer_size n num_inputs num_features d_x in_size n_feature fan_in input_units inputsize n0"
    " num_input input_neurons".split()
)
_SIZE_HIDDEN = frozenset(
    "n_h hidden_size hidden_dim n_hidden hidden h_dim nh hidden_nodes hidden_layer_size num_hidden hidden_units"
    " hiddennodes hiddensize d_hidden n1 hidden_neurons".split()
)
_SIZE_OUT = frozenset(
    "n_y output_size n_out output_dim n_output n_outputs out_features d_out out_dim ny c n_classes num_classes"
    " output_nodes outputnodes output_layer_size num_outputs k num_labels classes num_output out_size fan_out"
    " output_units outputsize n2 output_neurons n_neurons units".split()
)
_UPSTREAM = frozenset(
    "dout d_out da dz dy dvalues grad_output grad_out output_gradient output_grad upstream upstream_grad delta grad"
    " dl_dout d_l_d_out accum_grad grads_out gradient dl_da dl_dy dldy dlda d_y d_a d_z grad_outputs error"
    " output_error out_grad douts gradwrtoutput dnext da_next upstream_gradient d_output dh dl incoming".split()
)
_PIECE = re.compile(r"(w|b|v|u|k|c|theta|beta|bias|biases|weight|weights|coef|intercept|slope|gamma|omega)_?\w{0,3}$")
_CHINESE_PIECE = re.compile(r"(weights|bias)_?\d*$")


@cache
def words(name: str) -> tuple[str, ...]:
    """Return the words of a name, lower case, Chinese ones in English.

    Examples
    --------
    >>> words("computeCost"), words("backward_propagation_n"), words("反向传播")
    (('compute', 'cost'), ('backward', 'propagation', 'n'), ('backward',))
    """
    spaced = _CHINESE_WORDS.sub(lambda hit: f"_{_CHINESE[hit[0]]}_", name)
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", spaced)
    return tuple(word for word in spaced.lower().split("_") if word)


def plain(name: str) -> str:
    """Return a name as the vocabulary has it: its words with lines between.

    Examples
    --------
    >>> plain("yHat"), plain("标签")
    ('y_hat', 'labels')
    """
    return "_".join(words(name))


@cache
def part(name: str) -> str:
    """Return what a function is by its name: forward, cost, backward, initial, other, or nothing of these.

    Examples
    --------
    >>> part("compute_cost"), part("L_model_backward"), part("gradient_check_n"), part("initialize_parameters_deep")
    ('cost', 'backward', 'other', 'initial')
    """
    said = set(words(name))
    joined = {"".join(pair) for pair in zip(words(name), words(name)[1:], strict=False)}
    if said & _INITIAL and (said & _OF_PARAMETERS or said <= _INITIAL):
        return "initial"
    if said & _OTHER or ("step" in said and not said & {"forward", "backward"}):
        return "other"
    if _is_derivative(name) or "backprop" in joined or "backpropagation" in joined or "back" in said:
        return "backward"
    if said & _FORWARD or joined & _FORWARD:
        return "forward"
    if said & _COST or joined & _COST:
        return "cost"
    return ""


def _is_derivative(name: str) -> bool:
    first = words(name)[0] if words(name) else ""
    return bool(set(words(name)) & DERIVATIVE) or (first in ("dsigmoid", "drelu", "dtanh", "dsoftmax", "dmse", "dfdx"))


@cache
def stem(name: str) -> frozenset[str]:
    """Return what is left of a function's name without the words that say derivative, forward, cost or nothing.

    Examples
    --------
    >>> sorted(stem("sigmoid_derivative")), sorted(stem("backward_propagation_with_dropout"))
    (['sigmoid'], ['dropout'])
    """
    left = [word[1:] if word in ("dsigmoid", "drelu", "dtanh", "dsoftmax", "dmse") else word for word in words(name)]
    general = DERIVATIVE | _FORWARD | _PLAIN | {"cost", "loss", "j", "back", "objective", "error", "feed"}
    return frozenset(left) - general


@cache
def role(name: str) -> str:
    """Return what an argument is by its name; nothing where that says nothing.

    Examples
    --------
    >>> [role(name) for name in ("X_train", "y", "AL", "parameters", "W1", "lambd", "dA", "标签", "foo")]
    ['inputs', 'targets', 'output', 'parameters', 'piece', 'penalty', 'upstream', 'targets', '']
    """
    low = plain(name)
    for listed, told in _ROLES:
        if low in listed or name.lower() in listed:
            return told
    if re.fullmatch(r"(a|z|h|o|y)_?\d+", low) or low in ("z", "hidden_out"):
        return "output"
    if _PIECE.fullmatch(low) or _CHINESE_PIECE.fullmatch(low):
        return "piece"
    said = set(words(name))
    if said & {"params", "parameters", "theta"}:
        return "parameters"
    for listed, told in ((_TARGETS, "targets"), (_OUTPUT - {"a", "h"}, "output"), (_INPUTS - {"x"}, "inputs")):
        if said & listed:
            return told
    return ""


_ROLES = (
    (_UPSTREAM, "upstream"), (_KEEP, "keep"), (_DROP, "drop"), (_PENALTY, "penalty"), (_SIZES, "sizes"),
    (_SIZE_HIDDEN, "size_hidden"), (_CACHE, "cache"), (_PARAMETERS, "parameters"), (_RATE, "rate"), (_COUNT, "count"),
    (_OUTPUT, "output"), (_TARGETS, "targets"), (_INPUTS, "inputs"), (_SIZE_IN, "size_in"), (_SIZE_OUT, "size_out"),
    (frozenset({"w", "b", "weight", "bias", "u", "v"}), "piece"),
)  # fmt: skip


def of_gradient(name: str) -> str:
    """Return the parameter that a gradient's name belongs to, lower case; the name itself if it says nothing.

    Examples
    --------
    >>> of_gradient("dW1"), of_gradient("grad_b"), of_gradient("nabla_w"), of_gradient("W2_grad")
    ('w1', 'b', 'w', 'w2')
    """
    low = name.lower().replace("梯度", "grad_").strip("_")
    hit = re.fullmatch(r"(?:d_|grad_|grads_|gradient_|nabla_|delta_|dl_d|dj_d|dc_d|dldw?|∂|d|g_)(.+)", low)
    found = hit[1] if hit else low
    back = re.fullmatch(r"(.+?)_?(?:grad|gradient|grads|deriv)", found)
    return back[1] if back else found
