import numpy as np
def adam(w,g,m,v,t,a=1e-3,b=.9,c=.999,e=1e-8):
 m=b*m+(1-b)*g;v=c*v+(1-c)*g*g
 return w-a*(m/(1-b^t))/(np.sqrt(v/(1-c^t))+e),m,v
