"""The words people use: what a name says about the part it plays.

Names of arguments, of keys such as ``"vdW1"`` and of attributes such as ``layer.weight_momentums`` are read with one
vocabulary, in English, in Chinese characters and in pinyin.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

PARAMETERS, GRADIENTS, MEMORY, COUNT = "parameters", "gradients", "memory", "count"
FUNCTION, OBJECTIVE, BOTH = "gradient function", "objective", "objective and gradient"
ITERATIONS, TOLERANCE, KEY, LAYER, CONFIG, DATA, SIZE = (
    "iterations", "tolerance", "key", "layer", "config", "data", "size",
)  # fmt: skip
BATCH = "batch size"
CALLBACK = "callback"
RATE = "learning_rate"
SHARE = "share"
"""A share of the past, of which the name alone does not say what of: beta, gamma, decay."""

_WORDS = {
    PARAMETERS: (
        "plist p_list param_list params_list "
        "w b x p q z theta thetas params param parameters parameter paramters weight weights wts wt bias biases var "
        "vars variable variables coef coefs coeffs coefficients point position pos init initial start guess "
        "initial_guess x0 w0 b0 theta0 x_init init_x w_init init_w theta_init init_theta "
        "initial_theta initial_params "
        "init_params params_init initial_weights init_weights initial_x x_start start_x starting_point initial_point "
        "start_point x_0 xk xt xi x_t w_t theta_t p_t trainable trainables trainable_variables trainable_weights "
        "model_params model_parameters net_params current current_x x_current cur_x value values val solution data "
        "array tensor tensors w1 w2 b1_ weights_biases coords point0 "
        "pesos pesi gewichte poids wagi parametros parametri parametres parametry agirlik agirliklar vaegter vikter "
        "веса вес параметры параметр тета 가중치 매개변수 파라미터 重み パラメータ パラメーター βάρη "
        "θ 参数 权重 权值 偏置 变量 当前参数 初始参数 初始点 初值 canshu quanzhong pianzhi bianliang chushi"
    ),
    GRADIENTS: (
        "delta_x delta_theta d_x d_theta nabla_w nabla_b nabla_x nabla_theta glist g_list grad_list grads_list "
        "g gr grad grads gradient gradients gs gt gk g_t dw db dx dp dtheta dtheta_t dparams dparam dweights dweight "
        "dbias dbiases d_w d_b d_weights d_bias derivative derivatives deriv derivs slope slopes nabla jacobian "
        "grad_w grad_b grad_x w_grad b_grad dldw dldb dl_dw dl_db djdw dj_dw dj_db dw_t delta_w gradw gradb gw gb "
        "grad_theta grad_params param_grads params_grads grad_values delta deltas dloss df dj dc "
        "gradiente gradienti gradientes pendiente pente steigung gradijent gradyan egim turev pochodna nachylenie "
        "градиент градиенты град производная 기울기 경사 그래디언트 미분 勾配 微分 傾き κλίση "
        "∇ 梯度 导数 斜率 tidu daoshu"
    ),
    MEMORY: (
        "v m s r u h vel velocity velocities cache caches state states opt_state optim_state optimizer_state memory "
        "optimizer opt optim memories moment moments moment1 moment2 m1 m2 v1 v2 s1 s2 mt vt st rt mv m_t v_t s_t r_t "
        "v_prev m_prev s_prev "
        "momentum_buffer buf buffer buffers acc accum accumulator accumulators accumulated eg eg2 edx "
        "edx2 e_g2 e_dx2 "
        "eg_2 e_g e_delta g2 gsq grad_squared grad_sq squared_grad squared_grads sum_sq sum_squared sumsq sq sqr "
        "exp_avg exp_avg_sq avg_sq sq_avg square_avg mean_square meansq ms first_moment second_moment "
        "vdw vdb sdw sdb "
        "mdw mdb v_dw v_db s_dw s_db m_dw m_db m_w m_b v_w v_b s_w s_b mw mb vw vb sw sb mt_1 vt_1 gti hist history "
        "prev_update last_update prev_step last_step prev_delta last_delta acc_delta delta_acc accum_delta acc_grad "
        "accum_grad prev_grad last_grad prev_grads grad_prev vhat v_hat v_max vmax max_v "
        "max_exp_avg_sq s_hat cum cumsum "
        "grad_accum grad_accumulator g_sum sum_g g_accum prev_velocity prev_v old_v mom_buf "
        "moving_avg ema running_avg "
        "running_mean slots slot n_t z_t h_t delta_x2 edelta statistics moving_average sum_grad sum_of_squares "
        "скорость накопленное накопитель память кэш 속도 이동평균 누적 履歴 蓄積 累計 移動平均 キャッシュ モーメント "
        "一阶矩 二阶矩 速度 缓存 状态 累积 累积平方 历史 动量项 sudu huancun zhuangtai leiji lishi"
    ),
    COUNT: (
        "t k it itr iter iteration iterations_done step steps_done timestep time_step time tt epoch i "
        "n j counter count "
        "cnt num_updates n_updates step_num step_number step_count global_step current_step cur_step iter_num "
        "iteration_number num_step t_step nth epoch_num "
        "итерация номер счётчик 횟수 반복 스텝 回数 ステップ adim krok_nr "
        "步数 步 次数 第几步 迭代 时间步 轮 bushu cishu diedai"
    ),
    FUNCTION: (
        "grad_fn grad_func gradient_fn gradient_func grad_function gradient_function grad_f gradf f_grad fgrad dfdx "
        "df_dx fprime f_prime f_dash df_func dfunc dfun jac jacobian_fn compute_grad compute_gradient "
        "compute_gradients "
        "calc_grad calc_gradient get_grad get_gradient get_gradients eval_grad evaluate_gradient "
        "gradfunc gradfn dloss_fn "
        "grad_loss loss_grad gradient_of_f grad_fun gradient_callback grad_cost cost_grad derivative_fn d_f dF "
        "grad_objective objective_grad loss_gradient cost_gradient d_loss_fn gf gfun grad_of_loss sample_grad "
        "stochastic_grad stoch_grad grads_fn "
        "梯度函数 求梯度 计算梯度 导函数 tidu_hanshu qiu_tidu"
    ),
    OBJECTIVE: (
        "f fn func fun function objective objective_function obj cost cost_fn cost_function cost_func loss loss_fn "
        "loss_function loss_func lossfn J L target_fn target objective_fn criterion energy "
        "目标函数 损失函数 损失 代价函数 函数 hanshu sunshi"
    ),
    BOTH: "loss_and_grad value_and_grad f_and_grad cost_and_grad loss_and_gradient fg fgrad_both loss_grad_fn",
    ITERATIONS: (
        "n_iter n_iters niter niters num_iter num_iters iterations num_iterations n_iterations iters "
        "max_iter max_iters "
        "maxiter maxit max_iterations itermax iter_max nb_iter nb_iterations epochs n_epochs num_epochs nepochs "
        "max_epochs nb_epochs steps n_steps num_steps nsteps max_steps maxsteps max_it iter_count total_steps "
        "迭代次数 最大迭代次数 轮数 总步数 训练轮数 diedai_cishu lunshu zuida_diedai"
    ),
    TOLERANCE: (
        "tol tolerance threshold precision eps_stop stop_eps gtol xtol ftol grad_tol min_delta stop_tol conv_tol "
        "convergence_tol convergence_threshold 精度 容差 阈值 jingdu"
    ),
    KEY: (
        "key name param_name param_key var_name layer_name param_id pid id idx index layer_id layer_idx layer_index "
        "layer_num key_name parameter_name which label slot_name 名称 名字 键 编号 mingzi jian bianhao"
    ),
    LAYER: "layer layers model net network nn module mlp 层 模型 网络 ceng moxing wangluo",
    CONFIG: (
        "config cfg conf hyperparams hyperparam hyper hypers hyperparameters hyper_params hp hps opts "
        "options settings "
        "opt_config optim_config kwargs args opt_params optim_params optimizer_params 超参数 配置 chaocanshu peizhi"
    ),
    DATA: "y y_train x_train train_x train_y labels targets features inputs 标签 样本 数据",
    CALLBACK: "callback callbacks hook hooks on_step on_iteration on_epoch logger log_fn print_fn progress observer",
    BATCH: "batch_size batch bs n_samples num_samples num_examples n_examples m_examples 批量 批大小",
    SIZE: (
        "n_in n_out n_x n_h n_y n_hidden input_size hidden_size output_size in_features out_features input_dim "
        "hidden_dim output_dim n_inputs n_outputs num_inputs num_outputs num_hidden layer_sizes sizes architecture "
        "arch n_neurons num_classes n_classes n_input n_output hidden input_units hidden_units output_units fan_in "
        "fan_out in_dim out_dim layer_dims "
        "shape shapes dim dims size n_params num_params n_features num_features n_dim ndim dimension "
        "n_layers num_layers "
        "num_weights n_weights layer_dims layers_dims number_of_params param_shape params_shape 维度 形状 "
        "weidu xingzhuang"
    ),
    RATE: (
        "lr learning_rate learningrate alpha eta eta0 step_size stepsize rate lr0 base_lr lrate "
        "initial_lr init_lr l_r "
        "step_length lr_init learning_rate_init initial_learning_rate learn_rate lr_t global_lr max_lr "
        "current_learning_rate current_lr cur_lr starting_learning_rate stepsz l_rate a lr_rate learning_speed "
        "gain passo paso pas tasa taxa taux lernrate schrittweite lernrate0 stepsize0 ogrenme_orani ogrenme_hizi "
        "wspolczynnik_uczenia krok_uczenia tasa_aprendizaje taxa_aprendizagem taux_apprentissage "
        "tasso_apprendimento темп темп_обучения скорость_обучения шаг_обучения коэффициент_обучения "
        "학습률 학습율 学習率 学習係数 学習レート ρυθμός_μάθησης "
        "α η 学习率 步长 学习速率 xuexilv xuexi_lv buchang xuexil xx_lv"  # noqa: RUF001
    ),
    "beta1": (
        "beta1 beta_1 b1 β1 β_1 decay1 decay_1 rho1 rho_1 b_1 betal beta_one beta_m first_decay beta_v1 "
        "动量衰减 贝塔1 yijie"
    ),
    "beta2": "beta2 beta_2 b2 β2 β_2 decay2 decay_2 rho2 rho_2 b_2 beta_two beta_s second_decay 贝塔2 erjie",
    "betas": "betas β",
    "epsilon": (
        "eps epsilon e epsi epsilion ε ϵ fuzz eps_ small tiny smoothing_term smooth_eps numerical_eps 极小值 防零 小量 "
        "极小数 平滑项 jixiaozhi xiaoliang"
    ),
    "momentum": (
        "momentum mom mu momentum_rate momentum_coef momentum_coeff momentum_factor momentum_decay_rate "
        "inertia mass momento inercia impuls traegheit inerzia pęd "
        "импульс инерция момент 모멘텀 관성 モーメンタム 慣性 "
        "动量 动量系数 动量因子 dongliang"
    ),
    "rho": "rho decay_rate ρ rho_decay avg_decay smoothing alpha_decay discount discount_factor 衰减率 shuaijianlv",  # noqa: RUF001
    SHARE: (
        "beta gamma decay γ forgetting_factor forget friction lambda_ema затухание "  # noqa: RUF001
        "감쇠 감쇠율 減衰 減衰率 衰减 衰减系数 gama beita shuaijian"
    ),
    "weight_decay": (
        "weight_decay wd l2 l2_reg lambda_ lambd lam lmbda reg regularization l2_lambda "
        "weight_decay_rate decay_weight "
        "权重衰减 正则化 zhengzehua"
    ),
    "initial_accumulator": "initial_accumulator initial_accumulator_value init_acc initial_acc",
    "dampening": "dampening damp",
    "clip": (
        "clip clip_value clipvalue clip_threshold grad_clip gradient_clip clip_grad max_grad max_norm clip_norm "
        "clipnorm max_grad_norm grad_norm_clip clip_grad_norm max_gradient_norm 裁剪 裁剪阈值 caijian"
    ),
}  # fmt: skip

USUAL = {
    RATE: 0.01, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "momentum": 0.9, "rho": 0.9, SHARE: 0.9,
    "weight_decay": 0.01, "initial_accumulator": 0.1, "dampening": 0.0,
    "clip": 1.0,
}  # fmt: skip
"""What is taken for a number that the code asks for and gives no value to."""

RULES = {
    "adamw": "adamw", "adam w": "adamw", "amsgrad": "amsgrad", "adamax": "adamax", "nadam": "nadam",
    "n adam": "nadam", "radam": "radam", "r adam": "radam",
    "adabelief": "adabelief", "ada belief": "adabelief", "yogi": "yogi", "laprop": "laprop", "ademamix": "ademamix",
    "adan": "adan", "adadelta": "adadelta", "ada delta": "adadelta", "adagrad": "adagrad", "ada grad": "adagrad",
    "rmsprop": "rmsprop", "rms prop": "rmsprop", "rm sprop": "rmsprop",
    "rms": "rmsprop", "lion": "lion", "signum": "signum",
    "signsgd": "signsgd", "sign sgd": "signsgd", "rprop": "rprop",
    "r prop": "rprop", "ftrl": "ftrl", "qhm": "qhm", "aggmo": "aggmo",
    "nesterov": "nesterov", "nag": "nesterov", "adam": "adam", "momentum": "momentum", "heavy ball": "momentum",
    "动量": "momentum", "dongliang": "momentum", "自适应矩": "adam", "牛顿动量": "nesterov", "涅斯捷罗夫": "nesterov",
    "sgd": "gradient_descent", "gradient descent": "gradient_descent", "gd": "gradient_descent",
    "vanilla": "gradient_descent", "梯度下降": "gradient_descent", "tidu xiajiang": "gradient_descent",
}  # fmt: skip
"""Words that promise a rule; the more particular stand before what they contain."""


def tokens(name: str) -> list[str]:
    """Cut a name into words: at underscores, capitals and digits.

    Examples
    --------
    >>> tokens("update_parametersWithAdam2")
    ['update', 'parameters', 'with', 'adam', '2']
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return [word.lower() for word in re.split(r"[\s_\-./()\[\]{}:,;#'\"=+*]+", spaced) if word]


@cache
def _lexicon() -> dict[str, str]:
    return {word.lower(): role for role, words in _WORDS.items() for word in words.split()}


_AFFIXES = re.compile(
    r"^(?:self[._]|_+|new_|next_|updated_|old_|prev_|cur_|current_|the_|my_)+|(?:_+|_new|_next|_old)+$"
)


@cache
def role_of(name: str) -> str | None:
    """Return the part that a name plays, or None where it says nothing.

    Examples
    --------
    >>> [role_of(name) for name in ("W1", "dW1", "vdW1", "lr", "学习率", "max_iter")]
    ['parameters', 'gradients', 'memory', 'learning_rate', 'learning_rate', 'iterations']
    """
    lexicon, plain = _lexicon(), name.lower()
    for form in (plain, _AFFIXES.sub("", plain), _AFFIXES.sub("", plain).rstrip("0123456789_")):
        if form in lexicon and not (form in ("a", "e") and form != plain):  # a0 is anything
            numbered = lexicon[form] == SHARE and form != plain
            return {"1": "beta1", "2": "beta2"}.get(plain[-1], SHARE) if numbered else lexicon[form]
    words = tokens(_AFFIXES.sub("", name))
    return _of_words(words) or _of_chinese(name) or _of_prefix(plain)


# How words of other languages begin, for the parts that an update cannot do without.
_PREFIXES = {
    "param": PARAMETERS, "peso": PARAMETERS, "gewicht": PARAMETERS, "poids": PARAMETERS, "pesi": PARAMETERS,
    "grad": GRADIENTS, "pente": GRADIENTS, "ableitung": GRADIENTS, "deriv": GRADIENTS,
    "lern": RATE, "taxa": RATE, "tasa": RATE, "taux": RATE, "schrittw": RATE, "apprent": RATE,
    "veloc": MEMORY, "geschw": MEMORY, "vitesse": MEMORY, "acum": MEMORY, "cache": MEMORY, "media": MEMORY,
    "impuls": "momentum", "inert": "momentum", "momento": "momentum", "traeg": "momentum",
    "decai": "rho", "decad": "rho", "zerfall": "rho", "iterac": ITERATIONS, "iteraz": ITERATIONS,
}  # fmt: skip


def _of_prefix(name: str) -> str | None:
    return next((role for start, role in _PREFIXES.items() if name.startswith(start)), None)


def _of_words(words: list[str]) -> str | None:
    """Read a compound such as ``weight_momentums`` or ``grad_weights``."""
    held = set(words)
    if held & {"func", "fn", "function", "fun", "callback"}:
        return FUNCTION if held & {"grad", "gradient", "gradients", "grads", "derivative", "jac"} else OBJECTIVE
    if held & {"max", "num", "n", "nb", "total"} and held & {"iter", "iters", "iterations", "epochs", "steps", "epoch"}:
        return ITERATIONS
    if held & {"velocity", "cache", "moment", "moments", "momentums", "accumulator", "accum", "state", "buffer", "avg",
               "squared", "sq", "square", "squares", "velocities", "history", "cached"}:  # fmt: skip
        return MEMORY
    if held & {"rate", "lr"}:
        return RATE
    if held & {"beta", "betas", "decay", "forget"} and (moment := _moment_of(held)) is not None:
        return moment
    if held & {"grad", "grads", "gradient", "gradients", "derivative", "slope", "slopes", "nabla", "dw", "db"}:
        return GRADIENTS
    if held & {"weight", "weights", "param", "params", "parameters", "theta", "bias", "biases", "variables"}:
        return PARAMETERS
    if held & {"eps", "epsilon"}:
        return "epsilon"
    if held & {"step", "iteration", "timestep"}:
        return COUNT
    return None


def _moment_of(words: set[str]) -> str | None:
    """Say which of two shares is meant by what is said beside the word: ``beta_update``, ``decay_second``."""
    first = words & {"first", "mean", "update", "interp", "momentum", "fast", "one", "m"}
    second = words & {"second", "var", "variance", "memory", "slow", "two", "v", "square", "squares", "sq"}
    return None if bool(first) == bool(second) else "beta1" if first else "beta2"


def _of_chinese(name: str) -> str | None:
    """Read the longest known word inside a name written without gaps."""
    inside = [word for word in _lexicon() if not word.isascii() and len(word) > 1 and word in name]
    return _lexicon()[max(inside, key=len)] if inside else None


def stem(name: str, known: Iterable[str]) -> str | None:
    """Return which of the known parameter names another name belongs to.

    Examples
    --------
    >>> [stem(name, ("W1", "b1")) for name in ("dW1", "v_db1", "W1_grad", "beta")]
    ['W1', 'b1', 'W1', None]
    """
    keys = list(known)
    if name in keys:
        return name
    fitting = [key for key in keys if name.endswith(key) or name.startswith(key)]
    if not fitting:
        lower = name.lower()
        fitting = [key for key in keys if lower.endswith(key.lower()) or lower.startswith(key.lower())]
    if not fitting:
        return None
    best = max(fitting, key=len)
    rest = name.lower().replace(best.lower(), "", 1).strip("_")
    word = role_of(rest)
    return best if rest in _MARKS or word in (GRADIENTS, MEMORY, PARAMETERS) else None


_MARKS = frozenset(
    "d v s m r vd sd md v_d s_d m_d dl_d dld dj dj_d delta dloss_d g eg edx h u c nabla ∂ ∇ 梯度 g2 t hat vhat "
    "shat".split()
) | {""}
"""What stands before or after a parameter's name in the name of its gradient or memory."""


def promised(text: str) -> str | None:
    """Return the rule that a name or a line of text promises.

    Examples
    --------
    >>> [promised(text) for text in ("update_with_adam", "RMSPropOptimizer", "AdamW", "动量法", "adamantium")]
    ['adam', 'rmsprop', 'adamw', 'momentum', None]
    """
    words = tokens(text)
    spaced = " ".join(words)
    for word, rule in RULES.items():
        if (not word.isascii() and word in text) or (" " in word and f" {word} " in f" {spaced} ") or word in words:
            return rule
    joined = "".join(words)
    for word in ("adamw", "amsgrad", "adamax", "nadam", "radam", "adabelief", "adadelta", "adagrad", "rmsprop"):
        if word in joined:
            return RULES[word]
    if re.search(r"adam(?:opt|solver|upd|step|rule|$)", joined):
        return "adam"
    if re.search(r"(?:nesterov|nag(?:$|opt))", joined):
        return "nesterov"
    if "momentum" in joined:
        return "momentum"
    return None
