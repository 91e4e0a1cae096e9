a
}
b
alpha
c
d
}
e
