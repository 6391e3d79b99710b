# Regressione lineare: y = w x + b, discesa del gradiente con momento
def aggiorna(w, b, dw, db, vw, vb, passo=0.01, momento=0.9):
    vw = momento * vw + passo * dw
    vb = momento * vb + passo * db
    w = w - vw
    b = b - vb
    return w, b, vw, vb
