"""Tools of the scenario tests: clusters of real nodes, a witness outside of them, a stock Erlang node.

Python's standard library only. Nothing here knows brood's insides: it starts programs, reads what they
print, and asks them over the protocols that users have.
"""
