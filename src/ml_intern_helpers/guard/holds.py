"""stub until runs lands"""


def other_terms(errors):
    return []


def reasons(one, cwd, found):
    return []


def question(held):
    return ""
